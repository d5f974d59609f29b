"""What a manifest says of the service is what the pace believes of it."""

from dataclasses import replace

from bulkmail.core.pace.pace import Pace
from bulkmail.rundir.figures import believed
from bulkmail.rundir.manifest import Service

FRESH = Pace().statistics()


def test_at_first_nothing_is_believed() -> None:
    assert believed(FRESH, 100.0) == Service()


def test_a_limit_and_noise_have_stood_since_they_were_first_believed() -> None:
    known = replace(FRESH, limit=498.76, limit_since=40.0, noise=0.00421, noise_since=90.0)
    assert believed(known, 100.0) == Service(498.8, 60.0, 0.0042, 10.0)
