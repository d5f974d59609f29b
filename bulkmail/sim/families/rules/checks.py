"""What a rule may say, part by part: names, types and values as documented, and the error codes for the rest."""

from collections.abc import Callable, Mapping
from typing import Any

from bulkmail.sim.families.folders.kind import FOLDER
from bulkmail.sim.families.rules.kind import ACTIONS, PREDICATES
from bulkmail.sim.graph.call import Json, Refusal, bad_request, item_not_found
from bulkmail.sim.tenant.ids import read_id
from bulkmail.sim.tenant.mailbox import Mailbox

READ_ONLY = frozenset({"id", "hasError", "isReadOnly"})
PARTS = {"conditions": PREDICATES, "exceptions": PREDICATES, "actions": ACTIONS}
LARGEST = (1 << 31) - 1  # an Int32


def unreadable(name: str) -> Refusal:
    return bad_request(f"The property '{name[:60]}' has a value that cannot be read.", "RequestBodyRead")


def checked(body: Json, mailbox: Mailbox) -> Json:
    """The rule's own properties out of a request. Parts that are null are there, as None. Raises Refusal."""
    wish = {name: value for name, value in body.items() if "@" not in name}
    fixed = READ_ONLY & wish.keys()
    if fixed:
        raise bad_request(f"The property '{min(fixed)}' is read-only and cannot be set.", "ErrorInvalidPropertySet")
    _check_names(wish, TOP, "microsoft.graph.messageRule")
    for name, value in wish.items():
        if not TOP[name](value):
            raise unreadable(name)
    return wish | {name: _part(name, wish[name], mailbox) for name in PARTS.keys() & wish.keys()}


def _check_names(wish: Json, known: Mapping[str, Any], kind: str) -> None:
    strange = wish.keys() - known.keys()
    if strange:
        text = f"The property '{min(strange)[:60]}' does not exist on type '{kind}'. Make sure to only use property"
        raise bad_request(f"{text} names that are defined by the type.", "RequestBodyRead")


def _part(name: str, value: Any, mailbox: Mailbox) -> Json | None:
    """Conditions, exceptions or actions without what is null: a whole object, never merged with the one before."""
    if value is None:
        return None
    known = PARTS[name]
    wish = {key: inner for key, inner in value.items() if "@" not in key}
    _check_names(wish, known, f"microsoft.graph.messageRule{'Actions' if name == 'actions' else 'Predicates'}")
    kept = {key: inner for key, inner in wish.items() if inner is not None}
    for key, inner in kept.items():
        form = known[key]
        if isinstance(form, tuple):
            kept[key] = _one_of(key, inner, form)
        elif form == "folder":
            _check_folder(inner, key, mailbox)
        elif not FORMS[form](inner):
            raise unreadable(key)
    if "senderContains" in kept:  # the store compares senders in capital letters, and gives them back so
        kept["senderContains"] = [text.upper() for text in kept["senderContains"]]
    return kept


def _one_of(name: str, value: Any, values: tuple[str, ...]) -> str:
    """The value in its standard spelling; the casing does not matter."""
    for known in values:
        if isinstance(value, str) and value.lower() == known.lower():
            return known
    raise unreadable(name)


def _check_folder(value: Any, name: str, mailbox: Mailbox) -> None:
    """Rules name folders by their ids; well-known names are not taken."""
    if not isinstance(value, str):
        raise unreadable(name)
    if read_id(value) is None:
        raise bad_request("Id is malformed.", "ErrorInvalidIdMalformed")
    if FOLDER.of(mailbox).find(value) is None:
        raise item_not_found()


def _recipient(value: Any) -> bool:
    inner = value.get("emailAddress") if isinstance(value, dict) else None
    if not isinstance(inner, dict) or not inner.keys() <= {"name", "address"}:
        return False
    return isinstance(inner.get("address"), str) and isinstance(inner.get("name", ""), str)


def is_number(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST


FORMS: Mapping[str, Callable[[Any], bool]] = {
    "texts": lambda value: isinstance(value, list) and all(isinstance(text, str) for text in value),
    "recipients": lambda value: isinstance(value, list) and all(map(_recipient, value)),
    "switch": lambda value: isinstance(value, bool),
    "sizes": lambda value: (
        isinstance(value, dict)
        and value.keys() <= {"minimumSize", "maximumSize"}
        and all(size is None or is_number(size) for size in value.values())
    ),
}
TOP: Mapping[str, Callable[[Any], bool]] = {
    "displayName": lambda value: isinstance(value, str),
    "sequence": is_number,
    "isEnabled": lambda value: isinstance(value, bool),
    **dict.fromkeys(PARTS, lambda value: value is None or isinstance(value, dict)),
}
