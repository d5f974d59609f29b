"""What a run hands over to be worked through: everything is open, and nothing has been asked yet.

Who works through it is the caller's choice: this process alone, or many.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from bulkmail.app.compose import Connection
from bulkmail.app.observe import Note
from bulkmail.app.prepare import Prepared
from bulkmail.app.writes import Writes
from bulkmail.core.pace.pace import PaceStatistics
from bulkmail.model import Chunks
from bulkmail.run.alarm import Alarm
from bulkmail.run.pending import Outputs
from bulkmail.run.stop import Stop
from bulkmail.run.sweep import Sweep, SweepSettings
from bulkmail.rundir.manifest import Process
from bulkmail.task.declare import Options


def nobody() -> Sequence[str]:
    """Where this process works alone."""
    return ()


@dataclass(slots=True)
class Watched:
    """What observers see of the pace. Where others send than this process, theirs is put in its place, and `workers`
    gives a line for each of them."""

    statistics: Callable[[], PaceStatistics]
    workers: Callable[[], Sequence[str]] = nobody


@dataclass(frozen=True, slots=True)
class Work:
    """`options` are those of the task with what it asked once; `folder` is the run directory. Observers see the pace
    that is `watched`. `processes` are those that did it for this one, by their numbers."""

    prepared: Prepared
    options: Options
    folder: Path
    source: Chunks
    connection: Connection
    writes: Writes
    outputs: Outputs
    alarm: Alarm
    stop: Stop
    settings: SweepSettings
    note: Note
    watched: Watched
    processes: dict[int, Process] = field(default_factory=dict)


Sweeping: TypeAlias = Callable[[Work], Awaitable[None]]
"""Works through all of it, to the end or until asked to stop, as `Sweep.run` does."""


async def alone(work: Work) -> None:
    """In this process."""
    await Sweep(
        work.prepared.task,
        work.options,
        source=work.source,
        open_graph=work.connection.of,
        lanes=work.connection.stack.lanes,
        outputs=work.outputs,
        alarm=work.alarm,
        stop=work.stop,
        settings=work.settings,
    ).run()
