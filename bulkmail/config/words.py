"""What is wrong with the value of a setting, in the words of a job file: the library that checks speaks of Python."""

from collections.abc import Mapping, Sequence
from typing import Any

_WANTED: Mapping[str, str] = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "string": "a text between quotes",
    "tuple": 'a list, such as ["csv"]',
    "list": "a list",
    "set": "a list",
    "frozen_set": "a list",
    "dict": "a table",
    "model": "a table",
    "mapping": "a table",
    "path": "a path between quotes",
    "none_required": "left out",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "literal_error": "one of {expected}",
    "enum": "one of {expected}",
    "string_too_short": "a text of at least {min_length} character(s)",
    "string_too_long": "a text of at most {max_length} characters",
    "finite_number": "a finite number",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
}
"""What a value has to be, by the kind of error or by how its name begins; figures come from the error."""


def in_words(errors: Sequence[Mapping[str, Any]]) -> str:
    """A sentence for the errors of one setting, of which any one put right would do."""
    wanted = list(dict.fromkeys(filter(None, map(_wanted, errors))))
    own = [_own(one["msg"]) for one in errors if not _wanted(one)]
    told = ([f"should be {' or '.join(wanted)}"] if wanted else []) + own
    return ", or ".join(dict.fromkeys(told))


def _wanted(error: Mapping[str, Any]) -> str:
    kind = error["type"]
    words = _WANTED.get(kind) or next((words for name, words in _WANTED.items() if kind.startswith(f"{name}_")), "")
    return words.format(**error.get("ctx", {}))


def _own(message: str) -> str:
    """A sentence of ours comes with a word of the library in front."""
    text = message.removeprefix("Value error, ")
    if text == "Field required":
        return "has to be given"
    return text[:1].lower() + text[1:]
