"""Carries the sums of a run from its totals to its manifest, and back into the totals of a process that goes on."""

import math

from bulkmail.core.pace.pace import PaceStatistics
from bulkmail.rundir.manifest import Manifest, Service, Sums, Waited
from bulkmail.rundir.totals import Totals


def sums(totals: Totals) -> Sums:
    return Sums(
        totals.done,
        totals.rows,
        totals.requests,
        totals.throttled,
        totals.retried,
        round(totals.waited, 3),
        totals.findings,
    )


def waits(totals: Totals) -> dict[str, Waited]:
    return {by: Waited(wait.times, round(wait.seconds, 3)) for by, wait in totals.waits.items()}


def carry_over(totals: Totals, before: Manifest) -> None:
    """Adds to `totals` what the processes before noted in the manifest, and no journal knows."""
    totals.retried += before.sums.retried
    for by, wait in before.waits.items():
        totals.waits[by].times += wait.times
        totals.waits[by].seconds += wait.seconds


def believed(pace: PaceStatistics, now: float) -> Service:
    """What `pace` believes of the service; `now` is an instant of its clock."""
    limit = round(pace.limit, 1) if pace.limit < math.inf else None
    stood = (now - since if since > -math.inf else 0.0 for since in (pace.limit_since, pace.noise_since))
    limit_seconds, noise_seconds = (round(seconds, 1) for seconds in stood)
    return Service(limit, limit_seconds, float(f"{pace.noise:.2g}"), noise_seconds)
