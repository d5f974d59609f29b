"""The members of an inbox rule: what each says in words, and what makes two of them the same. Sends nothing.

learn.microsoft.com/graph/api/resources/messagerule, messagerulepredicates and messageruleactions.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

PARTS = ("conditions", "exceptions", "actions")
"""Members that are objects. A PATCH replaces the whole of each that it names."""

OWN = ("displayName", "sequence", "isEnabled", *PARTS)
"""What a rule is made of; all else is the service's."""

FORWARDS = ("forwardTo", "forwardAsAttachmentTo", "redirectTo")
FOLDERS = ("moveToFolder", "copyToFolder")
RECIPIENTS = frozenset({*FORWARDS, "fromAddresses", "sentToAddresses"})

TEXTS: Mapping[str, str] = {
    "bodyContains": "the body contains",
    "bodyOrSubjectContains": "the body or subject contains",
    "headerContains": "a header contains",
    "recipientContains": "a recipient contains",
    "senderContains": "the sender contains",
    "subjectContains": "the subject contains",
    "categories": "the category is",
    "assignCategories": "assign the category",
}
"""Members that are lists of texts."""

SWITCHES: Mapping[str, str] = {
    "hasAttachments": "has attachments",
    "isApprovalRequest": "is an approval request",
    "isAutomaticForward": "was forwarded automatically",
    "isAutomaticReply": "is an automatic reply",
    "isEncrypted": "is encrypted",
    "isMeetingRequest": "is a meeting request",
    "isMeetingResponse": "is a meeting response",
    "isNonDeliveryReport": "is a non-delivery report",
    "isPermissionControlled": "is permission controlled",
    "isReadReceipt": "is a read receipt",
    "isSigned": "is signed",
    "isVoicemail": "is a voice mail",
    "notSentToMe": "was not sent to me",
    "sentCcMe": "has me in Cc",
    "sentOnlyToMe": "was sent only to me",
    "sentToMe": "was sent to me",
    "sentToOrCcMe": "has me in To or Cc",
    "delete": "delete",
    "permanentDelete": "delete for good",
    "markAsRead": "mark as read",
    "stopProcessingRules": "stop processing more rules",
}
"""Members that are true, or do not matter."""

VALUES: Mapping[str, str] = {
    "importance": "the importance is",
    "sensitivity": "the sensitivity is",
    "messageActionFlag": "the flag is",
    "markImportance": "mark the importance as",
}
TO: Mapping[str, str] = {
    "fromAddresses": "is from",
    "sentToAddresses": "was sent to",
    "forwardTo": "forward to",
    "forwardAsAttachmentTo": "forward as an attachment to",
    "redirectTo": "redirect to",
    "moveToFolder": "move to",
    "copyToFolder": "copy to",
}
ACTIONS = frozenset({
    *FORWARDS, *FOLDERS, "assignCategories", "delete", "permanentDelete", "markAsRead", "stopProcessingRules",
    "markImportance",
})  # fmt: skip
PREDICATES = frozenset({*TEXTS, *SWITCHES, *VALUES, *TO, "withinSizeRange"}) - ACTIONS
MEMBERS: Mapping[str, frozenset[str]] = {"conditions": PREDICATES, "exceptions": PREDICATES, "actions": ACTIONS}


def part(rule: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """One of PARTS; empty where there is none."""
    value = rule.get(name)
    return value if isinstance(value, dict) else {}


def addresses(value: Any) -> list[str]:
    """The addresses of a list of recipients; the name of one without an address."""
    found = []
    for one in value if isinstance(value, list) else []:
        inner = one.get("emailAddress") if isinstance(one, dict) else None
        texts = [inner.get(name) for name in ("address", "name")] if isinstance(inner, dict) else []
        found.append(next((text for text in texts if isinstance(text, str) and text), ""))
    return found


def recipients(rule: Mapping[str, Any]) -> list[str]:
    """All to whom a rule sends mail, each once."""
    actions = part(rule, "actions")
    return list(dict.fromkeys(address for name in FORWARDS for address in addresses(actions.get(name))))


def same(name: str, one: Any, other: Any) -> bool:
    """Whether two values of a member in OWN mean the same."""
    if name in PARTS:
        return _meaning(one) == _meaning(other)
    return bool(one == other)


def kept(rule: Mapping[str, Any]) -> dict[str, Any]:
    """All that a rule is made of, as it can be made again."""
    return {name: rule[name] for name in OWN if rule.get(name) is not None}


def says(of: Mapping[str, Any], folders: Mapping[str, str]) -> str:
    """Conditions, exceptions or actions in words; `folders` are the paths of folders by their ids."""
    return "; ".join(_say(name, value, folders) for name, value in of.items() if "@" not in name and not _idle(value))


def _meaning(value: Any) -> dict[str, Any]:
    """A part as it is compared: neither the order of a list nor what is not set matters, nor the case of addresses, of
    names of values, and of senders, which the service keeps in capital letters."""
    given = value if isinstance(value, dict) else {}
    return {name: _form(name, one) for name, one in given.items() if "@" not in name and not _idle(one)}


def _form(name: str, value: Any) -> Any:
    if name in RECIPIENTS:
        return sorted(map(str.casefold, addresses(value)))
    if name in VALUES and isinstance(value, str):
        return value.casefold()
    if name in TEXTS and isinstance(value, list):
        texts = [str(text).upper() if name == "senderContains" else str(text) for text in value]
        return sorted(texts)
    if name == "withinSizeRange" and isinstance(value, dict):
        return {key: size for key, size in value.items() if size and "@" not in key}
    return value


def _idle(value: Any) -> bool:
    """Whether a member is there and says nothing."""
    return value is None or value is False or value in ([], {})


def _say(name: str, value: Any, folders: Mapping[str, str]) -> str:
    if name in SWITCHES and value is True:
        return SWITCHES[name]
    words = TEXTS.get(name) or VALUES.get(name) or TO.get(name)
    if name in TEXTS and isinstance(value, list):
        value = " or ".join(f'"{text}"' for text in value)
    elif name in FOLDERS and isinstance(value, str):
        value = folders.get(value, value)
    elif name in RECIPIENTS:
        value = ", ".join(addresses(value))
    elif name == "withinSizeRange" and isinstance(value, dict):
        words, value = "the size is", " and ".join(_sizes(value))
    return f"{words} {value}" if words else f"{name}: {orjson.dumps(value, default=str).decode()}"


def _sizes(value: Mapping[str, Any]) -> Iterator[str]:
    for name, words in (("minimumSize", "at least"), ("maximumSize", "at most")):
        if value.get(name):
            yield f"{words} {value[name]} KB"
