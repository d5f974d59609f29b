"""Runs a task in a run directory on the disk, as often as it takes: each time as a process that goes on."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Rejected, Transport
from bulkmail.run.alarm import Alarm, AlarmSettings
from bulkmail.run.outputs import OutputSettings, open_outputs
from bulkmail.run.pending import Outputs
from bulkmail.run.stop import Stop
from bulkmail.run.sweep import Sweep, SweepSettings
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.recovery import Recovered, recover
from bulkmail.rundir.state import States
from bulkmail.sink.depot import Depot
from bulkmail.source.remaining import Remaining
from bulkmail.task.declare import Options, Task
from tests.run.stage import BASE, CountingLanes, ListSource

SETTINGS = OutputSettings()


def sweep_of(
    task: Task, options: Options, rows: Sequence[Mailbox | Rejected], service: Transport, outputs: Outputs,
    recovered: Recovered, stop: Stop, barred: frozenset[int] = frozenset(),
) -> Sweep:  # fmt: skip
    lanes = CountingLanes(service)
    return Sweep(
        task,
        options,
        source=Remaining(ListSource([rows]), recovered.done),
        open_graph=lambda mailbox, target, store: Graph.of(mailbox, lanes, BASE, target=target, store=store),
        lanes=lanes,
        outputs=outputs,
        alarm=Alarm(AlarmSettings(stop_if_denied=0)),
        stop=stop,
        settings=SweepSettings(grace=0.0, barred=barred),
    )


async def go_on(
    folder: Path, task: Task, rows: Sequence[Mailbox | Rejected], service: Transport, *, options: Options | None = None,
    states: States | None = None, stop: Stop | None = None, barred: frozenset[int] = frozenset(),
    depot: Depot | None = None,
) -> Recovered:  # fmt: skip
    """One process, from where the ones before got, to its end. Gives its accounts. In `barred` rows something was
    begun that must not be done twice. Blobs go to the `depot`; without one, into the folder."""
    options = options or task.options()
    recovered = await asyncio.to_thread(recover, RunDir(folder))
    with open_outputs(folder, list(task.columns(options)), SETTINGS, recovered, states, depot=depot) as outputs:
        await sweep_of(task, options, rows, service, outputs, recovered, stop or Stop(), barred).run()
    return recovered
