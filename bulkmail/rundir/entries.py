"""The entries of a run's two journals, each both ways: outcomes and checkpoints, and changes from intent to end.

The encoders give bytes for `Journal.append`. The decoders take the JSON of a line and give nouns; they raise
ValueError, TypeError or KeyError for what the encoders do not write, so that a line that was not written here is
reported as damage and never reaches a sum or an address. Knows no file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple, Self, TypeAlias

import orjson

from bulkmail.errors import TaskMistake
from bulkmail.model import NOTHING, Change, Effect, Ending, Mailbox, Outcome, Problem, Request, Status, Tally
from bulkmail.rundir import heartbeat
from bulkmail.rundir.heartbeat import Heartbeat
from bulkmail.sink import json_line
from bulkmail.source.cells import as_cells

INTENDED = "intended"
REOPENED = "reopened"
"""States of entries that do not end a change: a request may leave; a later process goes on where one has died."""

WELL = frozenset({Status.OK, Status.ABSENT})
"""How a mailbox ends with which nothing has to be done again."""

LAST_ROW = 1 << 32
"""No input has so many rows; a larger number would ask for gigabytes where rows are kept as bits."""

CHECKPOINT = "checkpoint"
LARGEST = 1 << 16
"""Bytes of a checkpoint's state: each checkpoint writes them anew."""

NOTHING_WRITTEN: Mapping[str, int] = MappingProxyType({})

_OPEN = -len(b"}\n")
"""Up to where a line of JSON is an object that may get more members."""

_PROBLEM = tuple(field.name for field in fields(Problem))
_STATUSES = {str(status): status for status in Status}
_FIGURES = itemgetter("row", "mailbox", "status", "rows", "requests", "throttled", "waited", "seconds")
_TYPES = frozenset((int, str, str, int, int, int, one, other) for one in (int, float) for other in (int, float))


class Committed(NamedTuple):
    """An outcome, and how long each file of rows was once the rows of its mailbox were in it."""

    outcome: Outcome
    lengths: Mapping[str, int]


class Reached(NamedTuple):
    """How far a mailbox has got by its last checkpoint: its `rows` so far, the `state` that the task begins with when
    the run is resumed, and the length of each file of blobs that was written to since the checkpoint before."""

    mailbox: Mailbox
    rows: int
    state: Mapping[str, Any]
    blobs: Mapping[str, int] = NOTHING_WRITTEN


class CheckpointAt(NamedTuple):
    """A checkpoint, and how long each file of rows was once the rows before it were in it."""

    reached: Reached
    lengths: Mapping[str, int]


# Each makes a noun of a tuple of all its fields, in C: calling the class costs twice that, a million times over.
_mailbox, _tally = partial(tuple.__new__, Mailbox), partial(tuple.__new__, Tally)
_outcome, _committed = partial(tuple.__new__, Outcome), partial(tuple.__new__, Committed)


def in_milliseconds(seconds: float) -> float:
    """Seconds, rounded to three places: a third of the cost of `round`, which minds how a half is spelled in binary."""
    return (seconds * 1000 + 0.5) // 1 / 1000


def encode_outcome(outcome: Outcome, lengths: Mapping[str, int]) -> bytes:
    """An outcome as an entry of its journal; with the cells of its row unless it ended well, for `failed.csv`."""
    return encode_verdict(outcome) + offsets_of(tuple(lengths)) % tuple(lengths.values())


def offsets_of(names: Sequence[str]) -> bytes:
    """The end of the entries of a run that has files of rows with these names: a pattern for how long each was."""
    members = (orjson.dumps(name).replace(b"%", b"%%") + b":%d" for name in names)
    return b',"offsets":{' + b",".join(members) + b"}}"


def encode_verdict(outcome: Outcome) -> bytes:
    """The entry of an outcome to its end, the offsets, which are known when its rows are written."""
    (address, row, id_, columns), status, rows, (requests, throttled, waited, waited_for), seconds, problem, found = (
        outcome
    )
    members: dict[str, Any] = {
        "row": row,
        "mailbox": address,
        "status": status,
        "rows": rows,
        "requests": requests,
        "throttled": throttled,
        "waited": in_milliseconds(waited) if waited else 0.0,
        "seconds": in_milliseconds(seconds),
    }
    if id_:
        members["id"] = id_
    if waited_for:
        members["waited_for"] = waited_for
    if problem is not None:
        members["error"] = {field: getattr(problem, field) for field in _PROBLEM}
    if found:
        members["findings"] = found
    if columns and status not in WELL:  # as pairs: an object with a "status" would look like an outcome's own
        members["columns"] = [*columns.items()]
    return json_line(members)[:_OPEN]


def decode_outcome(entry: Mapping[str, Any]) -> Committed:
    """What `encode_outcome` was given."""
    figures = _FIGURES(entry)
    if tuple(map(type, figures)) not in _TYPES:  # all types at once: there are millions of these lines
        raise TypeError("a figure is not of its type")
    row, address, status, rows, requests, throttled, waited, seconds = figures
    lengths = entry["offsets"]
    for length in lengths.values():
        if type(length) is not int or length < 0:
            raise ValueError("a length is not a number of bytes")
    columns = _columns(entry["columns"]) if "columns" in entry else NOTHING
    mailbox = _mailbox((address, _row(row), _text(entry["id"]) if "id" in entry else "", columns))
    tally = _tally((requests, throttled, waited, _text(entry["waited_for"]) if "waited_for" in entry else ""))
    problem = _problem(entry["error"]) if "error" in entry else None
    findings = entry.get("findings", 0)
    if type(findings) is not int:
        raise TypeError("a figure is not of its type")
    return _committed((_outcome((mailbox, _STATUSES[status], rows, tally, seconds, problem, findings)), lengths))


def checked_state(state: Mapping[str, Any], largest: int = LARGEST) -> dict[str, Any]:
    """A copy of what a task wants to be given again, as it will be read. Raises TaskMistake for what is not JSON, or
    has more bytes than `largest`."""
    try:
        encoded = orjson.dumps(state)
    except TypeError as error:
        raise TaskMistake(f"the state that a task leaves is not JSON: {error}") from error
    if len(encoded) > largest:
        raise TaskMistake(f"the state that a task leaves has {len(encoded):,} bytes, and may have {largest:,}")
    copy: dict[str, Any] = orjson.loads(encoded)
    return copy


def encode_checkpoint(reached: Reached, lengths: Mapping[str, int]) -> bytes:
    """A checkpoint as an entry of the journal of outcomes."""
    members = {
        "row": reached.mailbox.row,
        "mailbox": reached.mailbox.address,
        "id": reached.mailbox.id,
        CHECKPOINT: reached.state,
        "rows": reached.rows,
        "blobs": dict(reached.blobs),
        "offsets": lengths,
    }
    return json_line({name: value for name, value in members.items() if value or name not in ("id", "blobs")})[:-1]


def decode_checkpoint(entry: Mapping[str, Any]) -> CheckpointAt:
    """What `encode_checkpoint` was given."""
    rows, state, blobs, lengths = entry["rows"], entry[CHECKPOINT], entry.get("blobs", {}), entry["offsets"]
    if type(rows) is not int or not isinstance(state, dict):
        raise TypeError("a checkpoint is not one")
    if any(type(length) is not int or length < 0 for length in (*blobs.values(), *lengths.values())):
        raise ValueError("a length is not a number of bytes")
    mailbox = Mailbox(_text(entry["mailbox"]), _row(entry["row"]), _text(entry.get("id", "")))
    return CheckpointAt(Reached(mailbox, rows, state, blobs), lengths)


def decode_commit(entry: Mapping[str, Any]) -> Committed | CheckpointAt:
    """An entry of the journal of outcomes, whichever it is."""
    return decode_checkpoint(entry) if CHECKPOINT in entry else decode_outcome(entry)


def _columns(pairs: Sequence[Sequence[str]]) -> Mapping[str, str]:
    return as_cells({_text(name): _text(cell) for name, cell in pairs})


def _problem(error: Mapping[str, Any]) -> Problem:
    """A member of another version is passed over."""
    known = {name: error[name] for name in _PROBLEM if name in error}
    status = known.pop("status", 0)
    if type(status) is not int:
        raise TypeError("the status of an error is not a number")
    return Problem(status=status, **{name: _text(value) for name, value in known.items()})


class Intent(NamedTuple):
    """A change that a request is to make, or would make if it were not only `planned`."""

    number: int
    row: int
    mailbox: str  # the key that the request is addressed by
    change: Change
    effect: Effect
    planned: bool = False
    method: str = ""
    path: str = ""
    time: str = ""  # ISO 8601, UTC

    @classmethod
    def of(cls, number: int, request: Request, *, planned: bool = False) -> Self:
        change = request.change or Change(request.path.partition("?")[0], after=request.body)
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        return cls(
            number, request.row, request.mailbox, change, request.effect, planned, request.method, request.path, time
        )


class Concluded(NamedTuple):
    """What became of a change that was intended. `id` is what the service calls a thing that was made; a `further`
    change goes on with an earlier one and counts as one with it."""

    number: int
    row: int
    ending: Ending
    id: str = ""
    further: bool = False


class Reopened(NamedTuple):
    """A later process goes on with the run; `last` is the last heartbeat of the one before."""

    last: Heartbeat = Heartbeat()


ChangeEntry: TypeAlias = Intent | Concluded | Reopened


def encode_change(entry: ChangeEntry) -> bytes:
    """An entry of the ledger. Values that JSON cannot hold are written as the sinks write them."""
    match entry:
        case Intent(change=change):
            further = {"further": True} if change.further else {}
            members = {
                "change": entry.number, "row": entry.row, "mailbox": entry.mailbox, "key": change.key,
                "state": Ending.PLANNED if entry.planned else INTENDED, "method": entry.method, "path": entry.path,
                "effect": entry.effect, "before": change.before, "after": change.after, **further, "time": entry.time,
            }  # fmt: skip
        case Concluded(number, row, ending, id_, further_):
            members = {"change": number, "row": row, "state": ending}
            members |= ({"further": True} if further_ else {}) | ({"id": id_} if id_ else {})
        case _:
            members = {"state": REOPENED, "last_sign": heartbeat.encode(entry.last)}
    return json_line(members)[:-1]


def decode_change(entry: Mapping[str, Any]) -> ChangeEntry:
    """What `encode_change` was given."""
    state = entry["state"]
    if state == REOPENED:
        return Reopened(heartbeat.decode(entry.get("last_sign")))
    number, row, further = entry["change"], _row(entry["row"]), entry.get("further", False) is True
    if type(number) is not int or number < 0:
        raise TypeError("the number of a change is not one")
    if state not in (INTENDED, Ending.PLANNED):
        return Concluded(number, row, Ending(state), _text(entry.get("id", "")), further)
    change = Change(_text(entry["key"]), entry["before"], entry["after"], further)
    told = (_text(entry.get(name, "")) for name in ("method", "path", "time"))
    return Intent(number, row, _text(entry["mailbox"]), change, Effect(entry["effect"]), state == Ending.PLANNED, *told)


def counts(ended: Concluded) -> bool:
    """Whether the end of a change is in the sums: not if it went on with another change, and went well."""
    return not ended.further or ended.ending not in (Ending.PLANNED, Ending.DONE)


def _row(value: object) -> int:
    if type(value) is not int or not 0 <= value < LAST_ROW:
        raise ValueError("a row is not the number of one")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is not one")
    return value
