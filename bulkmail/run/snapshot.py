"""What a run looks like at one moment: frozen, so that a progress line, a metric and a curve all tell of the same one.

Taken once a second; taking one looks at every mailbox that waits, and at nothing else that grows with the run.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from mmap import PAGESIZE
from pathlib import Path

from bulkmail.core.pace.pace import PaceStatistics
from bulkmail.model import Ending, Status, Wait
from bulkmail.rundir.figures import waits as by_limit
from bulkmail.rundir.manifest import Manifest, Service, Waited
from bulkmail.rundir.totals import Totals


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Numbers are of the whole run, with what earlier processes did of it; only `pace`, `waits` and `queue` are of this
    moment.

    `at` is in seconds since 1970, `seconds` is how long this process has worked on the run. `expected` mailboxes is 0
    while their number is not known. `waited` are seconds that requests waited, added up; `limits` is how often each
    limit asked for a wait. `queue` are outcomes that wait for the disk. `memory` is in bytes that are resident, 0 where
    the system does not say. `carried` are bytes that were moved, and that will have been, of the mailboxes that have
    `begun`; none for tasks that do not count them. `workers` are lines, one for each process that works with this one.
    `service` is what the pace believes of the service, `manifest` that
    of the run as it began.
    """

    at: float
    seconds: float
    expected: int
    statuses: Mapping[Status, int]
    done: int
    not_ok: int
    rows: int
    requests: int
    throttled: int
    retried: int
    waited: float
    changes: Mapping[Ending, int]
    pace: PaceStatistics
    waits: Sequence[Wait]
    memory: int = 0
    findings: int = 0
    limits: Mapping[str, Waited] = field(default_factory=dict)
    queue: int = 0
    service: Service = field(default_factory=Service)
    manifest: Manifest | None = None
    carried: tuple[int, int] = (0, 0)
    begun: int = 0
    workers: Sequence[str] = ()

    @classmethod
    def of(
        cls, totals: Totals, changes: Mapping[Ending, int], pace: PaceStatistics, waits: Sequence[Wait], *,
        at: float, seconds: float, expected: int, memory: int = 0, queue: int = 0,
        service: Service | None = None, manifest: Manifest | None = None, workers: Sequence[str] = (),
    ) -> "Snapshot":  # fmt: skip
        """A copy of what goes on changing."""
        return cls(
            at, seconds, expected, dict(totals.statuses), totals.done, totals.not_ok, totals.rows, totals.requests,
            totals.throttled, totals.retried, totals.waited, dict(changes), pace, tuple(waits), memory,
            totals.findings, by_limit(totals), queue, service or Service(), manifest, _added(totals.carried.values()),
            len(totals.carried), workers,
        )  # fmt: skip


def _added(carried: Iterable[tuple[int, int]]) -> tuple[int, int]:
    done, expected = 0, 0
    for one, of in carried:
        done, expected = done + one, expected + of
    return done, expected


_STATM = Path("/proc/self/statm")  # only Linux has it


def resident(statm: Path = _STATM) -> int:
    """Bytes of memory that this process holds; 0 where the system does not say."""
    try:
        return int(statm.read_bytes().split()[1]) * PAGESIZE
    except (OSError, ValueError, IndexError):
        return 0
