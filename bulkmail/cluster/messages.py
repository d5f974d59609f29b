"""What coordinator and workers say to each other: names of calls, and the nouns in them. Knows no connection.

Everything but the first call carries the key of the worker's session. A session that has ended is answered `GONE`.
What there is one of for each mailbox travels as a plain tuple: a named one costs ten times as much to pickle.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeAlias

from bulkmail.config import Job
from bulkmail.core.pace.pace import PaceStatistics
from bulkmail.errors import BulkmailError
from bulkmail.model import NOTHING, Change, Ending, Made, Mailbox, Outcome, Rejected, Request, Tally
from bulkmail.run.outputs import OutputSettings
from bulkmail.run.stop import Reason
from bulkmail.run.writer import Finished
from bulkmail.rundir.entries import Reached, encode_verdict
from bulkmail.rundir.manifest import Mode, Process
from bulkmail.source.cells import as_cells

BEAT = 0.5
"""Seconds from one sign of life of a worker to the next."""

Plain: TypeAlias = tuple[Any, ...]

Intended: TypeAlias = tuple[bool, Plain]
"""A change that may leave once its number is known, and whether it is only planned."""

Note: TypeAlias = tuple[int, Ending, str]
"""What became of a change: its number, and the id of what it made."""


# Each makes a noun of a tuple of all its fields, in C.
_outcome, _tally = partial(tuple.__new__, Outcome), partial(tuple.__new__, Tally)
_finished = partial(tuple.__new__, Finished)


class Gone(BulkmailError):
    """The coordinator has given this worker up: nothing that it says counts any more."""


class Lost(BulkmailError):
    """Processes at a worker's address died so often that Dask begins no more there. Whether they have all ended is not
    known."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is to do. `job` is without secrets, and with this worker's share of its limits; `options` are
    pickled, since they may be of a task that has to be found first. `lease` is in seconds, `run` is the id of the run.
    With `own_tokens` the worker signs in itself. `blobs` is the place for these; empty for the run directory.
    Of a run that is `masked`, rows go to the coordinator as they are, and it hides the addresses in them. `ids` is what
    the ids of its requests begin with."""

    number: int
    job: Job
    task: str
    undo: bool
    options: bytes
    mode: Mode
    folder: Path
    columns: Sequence[str]
    parts: Mapping[str, Sequence[str]]
    output: OutputSettings
    workers: int
    lease: float
    run: str
    own_tokens: bool
    blobs: str = ""
    masked: bool = False
    ids: str = ""


class Given(NamedTuple):
    """A mailbox for a worker, with how far it got before, and what was made, or may have been, in it. In a masked run,
    `hidden` stands for its address in the names of folders."""

    mailbox: Mailbox
    reached: Reached | None = None
    made: Mapping[int, Made] | None = None
    hidden: str = ""

    def plain(self) -> Plain:
        mailbox, reached, made, hidden = self
        address, row, id_, columns = mailbox
        return address, row, id_, dict(columns) if columns else None, reached, made, hidden

    @classmethod
    def of(cls, told: Plain) -> Self:
        address, row, id_, columns, reached, made, hidden = told
        return cls(Mailbox(address, row, id_, as_cells(columns) if columns else NOTHING), reached, made, hidden)


def plain_outcome(outcome: Outcome, blocks: Sequence[bytes]) -> Plain:
    """A mailbox that has ended, with its rows for each file and its entry in the journal, and nothing beside them:
    nearly all are so."""
    mailbox, status, rows, tally, seconds, problem, findings = outcome
    return mailbox.row, status, rows, tuple(tally), seconds, problem, findings, encode_verdict(outcome), blocks


def finished_of(mailbox: Mailbox, told: Plain) -> Finished:
    """What is known of a mailbox whose row is the first of what was told."""
    _, status, rows, tally, seconds, problem, findings, verdict, blocks = told
    outcome = _outcome((mailbox, status, rows, _tally(tally), seconds, problem, findings))
    return _finished((outcome, blocks, None, verdict))


def plain_request(request: Request) -> Plain:
    """A request as a ledger wants it, without what is of its process or private to it."""
    change = request.change
    body = None if change else request.body
    return (
        request.method, request.path, request.mailbox, body, request.effect, request.row, change and tuple(change)
    )  # fmt: skip


def request_of(told: Plain) -> Request:
    method, path, mailbox, body, effect, row, change = told
    return Request(method, path, mailbox, body=body, effect=effect, row=row, change=change and Change(*change))


class Done(NamedTuple):
    """A mailbox with its outcome and what it leaves behind, or the checkpoint that it has reached, or a row that is
    none; and its rows for each file."""

    outcome: Outcome | Reached | Rejected
    blocks: Sequence[bytes] = ()
    state: Mapping[str, Any] | None = None


class Seen(NamedTuple):
    """What a worker is like at one moment: `memory` is in bytes, `stop` is why it wants the run to stop, and `busy` is
    the share of a core that it has used of late. The first one says which `process` it is."""

    pace: PaceStatistics | None = None
    memory: int = 0
    stop: Reason | None = None
    process: Process | None = None
    busy: float = 0.0
