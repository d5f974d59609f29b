"""What a run with one worker and with two takes beside one without: wall time, and CPU of each process.

    make bench ONLY="cluster-export cluster-plain cluster-batch"

A run without workers is on the first core, and the server on the last one. One worker is on the first core; coordinator
and server are on the last. Of two workers each has a core, and coordinator and server take from both: on a machine with
two cores, two workers come to 2 / (1 + what those two take, in shares of a worker) at the most. CPU of a run without
workers has all in it that the coordinator does beside them.

W workers with cores of their own do W times as much as one until the coordinator's core is full: with four, that is
min(4, worker's µs / coordinator's µs). How busy the server is does not matter to it. The CPU that a short run takes
is taken from a long one's, so that what a start costs is in no figure.

CPU of a coordinator, and of a run without workers, is what the process takes from its first mailbox to its last: the
reading of the list before, and the files that are made of the journal at the end, are the same in all three.
"""

from collections.abc import Sequence
from typing import Any

from tests.bench.measure import Measured, Scenario
from tests.bench.table import Cells, Group

WORKERS = 4
PLAN = f"plan for {WORKERS}"
EXPORT: dict[str, Any] = {"task": {"name": "items.export"}}
BATCH: dict[str, Any] = {"limits": {"batch": True}}


def cost(one: Measured) -> tuple[float, float]:
    """Seconds of CPU of the coordinator, and of all workers."""
    return float(one.said["coordinator"]), float(sum(one.said["workers"]))


def planned(coordinator: float, workers: float, number: int = WORKERS) -> float:
    """How many times as fast so many workers are as one, with a core each and one for the coordinator."""
    return min(float(number), workers / coordinator)


def costs(one: Measured, before: Sequence[Measured]) -> Cells:
    """CPU a mailbox of all processes, and wall time beside one worker and beside none."""
    short = next((it for it in before if it.scenario.title == f"{one.scenario.title}, short"), None)
    more = one.scenario.mailboxes - (short.scenario.mailboxes if short else 0)
    began = cost(short) if short else (0.0, 0.0)
    coordinator, workers = (1e6 * (late - early) / more for early, late in zip(began, cost(one), strict=True))
    shown = {it.scenario.driver["workers"]: it for it in (*before, one) if it.scenario.shown}
    own = workers or coordinator
    alone = _each(shown[0], before) if 0 in shown else own
    return {
        "workers": one.scenario.title, "mailboxes": f"{one.ok:,}", "seconds": f"{one.seconds:.1f}",
        "coordinator µs each": f"{coordinator:,.0f}" if workers else "-", "worker µs each": f"{own:,.0f}",
        "CPU of workers s": " ".join(f"{it:.1f}" for it in one.said["workers"]) or "-",
        "server s": f"{one.server:.1f}",
        "CPU beside none": f"{own / alone:.2f}",
        "beside one": f"{shown[1].seconds / one.seconds:.2f}" if 1 in shown else "-",
        PLAN: f"{planned(coordinator, workers):.2f}" if workers else "-",
    }  # fmt: skip


def _each(alone: Measured, before: Sequence[Measured]) -> float:
    """µs of CPU a mailbox of a run without workers."""
    short = next((it for it in before if it.scenario.title == f"{alone.scenario.title}, short"), None)
    more = alone.scenario.mailboxes - (short.scenario.mailboxes if short else 0)
    return 1e6 * (cost(alone)[0] - (cost(short)[0] if short else 0.0)) / more


def _scenarios(mailboxes: int, driver: dict[str, Any], serves: str) -> Sequence[Scenario]:
    """None, one and two workers, each after a run of a tenth that gives what a start costs."""
    goals = {1: {"CPU beside none": "≤ 1.08", PLAN: "≥ 3.6"}, 2: {"beside one": "≥ 1.7"}}
    return [
        Scenario(
            f"{number or 'none'}{'' if shown else ', short'}", "clustered",
            mailboxes if shown else mailboxes // 10, driver={"workers": number, **driver},
            goals=goals.get(number, {}), serves=serves, spread=number > 1, binds=True, shown=shown,
        )
        for number in (0, 1, 2) for shown in (False, True)
    ]  # fmt: skip


CLUSTER = (
    Group(
        "cluster-export", "Workers: items.export, 8 items of 1 to 5 MB a mailbox, hashed", costs,
        _scenarios(200, EXPORT, "export_server"),
        "The folder of the run is where temporary files are: TMPDIR=/dev/shm leaves the disk out.",
    ),
    Group("cluster-plain", "Workers: settings.report", costs, _scenarios(40_000, {}, "server")),
    Group("cluster-batch", "Workers: settings.report in $batch", costs, _scenarios(100_000, BATCH, "server")),
)  # fmt: skip
