"""A sweep waits hardly longer for the service than its longest part alone. The clock stands while anything works."""

import pytest

from bulkmail.sim import Settings
from bulkmail.tasks.mailbox.parts import PARTS
from bulkmail.tasks.mailbox.report import mailbox_report
from bulkmail.testing import run
from tests.tasks.mailbox.latency import waited

FEW = Settings(60, seed=11, latency=0.2, absent=0.0, denied=0.0, moving=0.0, tls=False)


def test_a_sweep_waits_hardly_longer_than_its_longest_part() -> None:
    longest, sweep = run(waited(PARTS["folders"], FEW)), run(waited(mailbox_report, FEW))
    assert longest.requests == 12 * 60
    assert sweep.requests < 16 * 60
    assert sweep.seconds <= 1.15 * longest.seconds


def test_permissions_of_the_default_calendar_cost_no_wait_of_their_own() -> None:
    one = Settings(1, seed=11, latency=0.2, absent=0.0, denied=0.0, moving=0.0, tls=False)
    cost = run(waited(PARTS["calendar.permissions"], one))
    assert cost.requests == 2
    assert cost.seconds == pytest.approx(0.2, abs=0.05)
