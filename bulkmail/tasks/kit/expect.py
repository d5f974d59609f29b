"""Checks that an answer is what was asked for: an empty row would look like an answer. Raises GraphError."""

from collections.abc import Mapping
from typing import Any

from bulkmail.errors import GraphError


def an_object(answer: Any, what: str, *, status: int = 200) -> Mapping[str, Any]:
    """A JSON object. `what` names it in the error: `settings` gives the code NotSettings, `a contact` NotAContact."""
    if isinstance(answer, dict):
        return answer
    raise _not(what, status)


def an_item(answer: Any, what: str, *, status: int = 200) -> Mapping[str, Any]:
    """A JSON object with the id of an item in it; `status` is 201 where the item was just made."""
    if isinstance(answer, dict) and isinstance(answer.get("id"), str):
        return answer
    raise _not(what, status)


def text(item: Mapping[str, Any], name: str) -> str:
    """A member that is a text; empty where there is none."""
    value = item.get(name)
    return value if isinstance(value, str) else ""


def number(item: Mapping[str, Any], name: str) -> int:
    """A member that is a whole number; 0 where there is none."""
    value = item.get(name)
    return value if type(value) is int else 0


def _not(what: str, status: int) -> GraphError:
    code = "Not" + "".join(word.capitalize() for word in what.split())
    return GraphError(status, code, f"the answer holds no {what.removeprefix('a ').removeprefix('an ')}")
