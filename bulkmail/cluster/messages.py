"""What coordinator and workers say to each other: names of calls, and the nouns in them. Knows no connection.

Everything but the first call carries the key of the worker's session. A session that has ended is answered `GONE`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bulkmail.config import Job
from bulkmail.core.pace.pace import PaceStatistics
from bulkmail.errors import BulkmailError
from bulkmail.model import Ending, Made, Mailbox, Outcome, Rejected, Request
from bulkmail.run.outputs import OutputSettings
from bulkmail.run.stop import Reason
from bulkmail.rundir.entries import Reached
from bulkmail.rundir.manifest import Mode, Process

BEAT = 0.5
"""Seconds from one sign of life of a worker to the next."""


class Gone(BulkmailError):
    """The coordinator has given this worker up: nothing that it says counts any more."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is to do. `job` is without secrets, and with this worker's share of its limits; `options` are
    pickled, since they may be of a task that has to be found first. `lease` is in seconds, `run` is the id of the run.
    With `own_tokens` the worker signs in itself. `blobs` is the place for these; empty for the run directory.
    `ids` is what the ids of its requests begin with."""

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
    ids: str = ""


class Given(NamedTuple):
    """A mailbox for a worker, with how far it got before, and what was made, or may have been, in it."""

    mailbox: Mailbox
    reached: Reached | None = None
    made: Mapping[int, Made] | None = None


class Done(NamedTuple):
    """A mailbox with its outcome, or the checkpoint that it has reached, or a row that is none; and its rows for each
    file."""

    outcome: Outcome | Reached | Rejected
    blocks: Sequence[bytes] = ()
    state: Mapping[str, Any] | None = None


class Note(NamedTuple):
    """What became of a change."""

    number: int
    ending: Ending
    id: str


class Seen(NamedTuple):
    """What a worker is like at one moment: `memory` is in bytes, and `stop` is why it wants the run to stop. The
    first one says which `process` it is."""

    pace: PaceStatistics | None = None
    memory: int = 0
    stop: Reason | None = None
    process: Process | None = None


def bare(request: Request) -> Request:
    """A request as a ledger wants it, without what is of its process or private to it."""
    body = None if request.change else request.body
    return Request(
        request.method, request.path, request.mailbox, body=body, effect=request.effect, row=request.row,
        change=request.change,
    )  # fmt: skip
