"""What a selection can ask of a message: one table, of which both the service's `$filter` and the judge here are made.

Texts are compared without case, as Exchange compares them. What the service lets through is judged here once more, so
that a filter which it takes loosely, or not at all, selects nothing else.

learn.microsoft.com/graph/filter-query-parameter and api/user-list-messages
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from bulkmail.core.odata import literal

SIZE = "Integer 0xe08"
"""PidTagMessageSize, in bytes: messages have no other property that tells their size."""

EXTENDED = "singleValueExtendedProperties"
EXPAND_SIZE = f"{EXTENDED}($filter=id eq '{SIZE}')"
RECIPIENTS = ("toRecipients", "ccRecipients", "bccRecipients")
LONGEST = 1_000
"""Bytes of a clause before it is encoded: gateways take addresses of a few thousand, and the service few clauses."""

ALWAYS = datetime.min.replace(tzinfo=UTC)


class Operator(NamedTuple):
    """One way to compare. `says` gives the clause for a property and a value, empty where the service cannot compare
    so; `holds` compares what a message has with the value."""

    says: Callable[[str, Any], str]
    holds: Callable[[Any, Any], bool]


class Criterion(NamedTuple):
    """One option of a selection: the property that it is about, and how the two are compared. Of several values one
    has to hold."""

    option: str
    name: str
    operator: Operator

    @property
    def reads(self) -> tuple[str, ...]:
        """What `$select` has to name."""
        first = self.name.partition("/")[0]
        return RECIPIENTS if first == "recipients" else () if first == "size" else (first,)

    def clause(self, wanted: Sequence[Any]) -> str:
        """The part of a `$filter`; empty where the service cannot tell, or the question is too long for an address."""
        said = [self.operator.says(self.name, value) for value in wanted]
        if not all(said):
            return ""
        clause = said[0] if len(said) == 1 else f"({' or '.join(said)})"
        return clause if len(clause.encode()) <= LONGEST else ""

    def holds(self, message: Mapping[str, Any], wanted: Sequence[Any]) -> bool:
        found = read(message, self.name)
        return any(self.operator.holds(found, value) for value in wanted)


def read(message: Mapping[str, Any], name: str) -> Any:
    """The property of a message as it was listed; None for one that is not there, or is not what it should be."""
    if name == "recipients":
        return list(_recipients(message))
    if name == "size":
        return size_of(message)
    found: Any = message
    for step in name.split("/"):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def size_of(message: Mapping[str, Any]) -> int | None:
    """Bytes of a message; None where its size was not asked for."""
    listed = message.get(EXTENDED)
    for one in listed if isinstance(listed, list) else ():
        value = one.get("value") if isinstance(one, dict) else None
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value)
    return None


def moment(text: Any) -> datetime:
    """A time of the service, with the zone that it names or in UTC; the beginning of time for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return ALWAYS
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def instant(time: datetime) -> str:
    """A time as a `$filter` has it: `2026-01-31T00:00:00Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _recipients(message: Mapping[str, Any]) -> Iterator[str]:
    for name in RECIPIENTS:
        listed = message.get(name)
        for one in listed if isinstance(listed, list) else ():
            if isinstance(address := read(one, "emailAddress/address") if isinstance(one, dict) else None, str):
                yield address


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else literal(value)


def _same(found: Any, wanted: Any) -> bool:
    return bool(
        found.lower() == wanted.lower() if isinstance(found, str) and isinstance(wanted, str) else found == wanted
    )


def _address_says(name: str, wanted: str) -> str:
    return "" if wanted.startswith("@") else f"{name} eq {literal(wanted)}"


def _is_address(found: Any, wanted: str) -> bool:
    """`@contoso.com` stands for every address of that domain."""
    if not isinstance(found, str):
        return False
    return found.lower().endswith(wanted.lower()) if wanted.startswith("@") else _same(found, wanted)


def _one_of(found: Any, wanted: str, holds: Callable[[Any, Any], bool]) -> bool:
    return any(holds(one, wanted) for one in found) if isinstance(found, list) else False


def _nothing(_name: str, _value: Any) -> str:
    return ""


def _end(value: str) -> tuple[datetime, bool]:
    """Until when, and whether that moment counts: a day means the whole of it."""
    end = moment(value)
    return (end + timedelta(days=1), False) if len(value) == len("2026-01-31") else (end, True)


def _up_to_says(name: str, value: str) -> str:
    end, counts = _end(value)
    return f"{name} {'le' if counts else 'lt'} {instant(end)}"


def _is_up_to(found: Any, value: str) -> bool:
    end, counts = _end(value)
    return ALWAYS < moment(found) < end or (counts and moment(found) == end)


IS = Operator(lambda name, value: f"{name} eq {_spelled(value)}", _same)
CONTAINS = Operator(
    lambda name, value: f"contains({name},{literal(value)})",
    lambda found, value: isinstance(found, str) and value.lower() in found.lower(),
)
STARTS = Operator(
    lambda name, value: f"startswith({name},{literal(value)})",
    lambda found, value: isinstance(found, str) and found.lower().startswith(value.lower()),
)
FROM = Operator(
    lambda name, value: f"{name} ge {instant(moment(value))}", lambda found, value: moment(found) >= moment(value)
)
UP_TO = Operator(_up_to_says, _is_up_to)
ADDRESS = Operator(_address_says, _is_address)
ADDRESSED = Operator(_nothing, lambda found, value: _one_of(found, value, _is_address))
LISTED = Operator(
    lambda name, value: f"{name}/any(c:c eq {literal(value)})", lambda found, value: _one_of(found, value, _same)
)
AT_LEAST = Operator(_nothing, lambda found, value: isinstance(found, int) and found >= value)
AT_MOST = Operator(_nothing, lambda found, value: isinstance(found, int) and found <= value)

RECEIVED = "receivedDateTime"

CRITERIA = (
    Criterion("received_from", RECEIVED, FROM),
    Criterion("received_to", RECEIVED, UP_TO),
    Criterion("sent_from", "sentDateTime", FROM),
    Criterion("sent_to", "sentDateTime", UP_TO),
    Criterion("internet_message_id", "internetMessageId", IS),
    Criterion("sender", "from/emailAddress/address", ADDRESS),
    Criterion("subject", "subject", IS),
    Criterion("subject_starts", "subject", STARTS),
    Criterion("subject_contains", "subject", CONTAINS),
    Criterion("has_attachments", "hasAttachments", IS),
    Criterion("is_read", "isRead", IS),
    Criterion("importance", "importance", IS),
    Criterion("category", "categories", LISTED),
    Criterion("recipient", "recipients", ADDRESSED),
    Criterion("min_size", "size", AT_LEAST),
    Criterion("max_size", "size", AT_MOST),
)
"""In the order of the `$filter`: the time comes first, because the rest is slow without it."""
