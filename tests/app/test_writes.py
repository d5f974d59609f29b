"""What becomes of a run's writes, and how long a row waits for one of an earlier process."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from bulkmail.app.writes import Writes, booked
from bulkmail.config import Limits
from bulkmail.model import Response
from bulkmail.rundir.heartbeat import INTERVAL, Heartbeat, current
from bulkmail.rundir.manifest import Mode
from bulkmail.rundir.unfinished import Unfinished
from bulkmail.testing import Scripted
from bulkmail.transport.book import Booking
from bulkmail.transport.plan import Planning, Refusing

LONG_AGO = Heartbeat("another boot", 1.0)


async def writes_of(
    folder: Path, mode: Mode, known: Unfinished, under_way: Mapping[int, Heartbeat]
) -> tuple[Writes, str]:
    limits = Limits(settle=100.0)
    async with booked(folder, mode, limits, known, under_way, exhausted=lambda: None) as writes:
        guard = writes.guard(Scripted(lambda _: Response(200)), lambda _: None)
        return writes, type(guard).__name__


@pytest.mark.parametrize(
    ("mode", "guard"), [("read", Refusing), ("plan", Planning), ("drift", Planning), ("apply", Booking)]
)
def test_each_mode_has_its_guard(tmp_path: Path, mode: Mode, guard: type) -> None:
    writes, name = asyncio.run(writes_of(tmp_path, mode, Unfinished(), {}))
    assert (writes.mode, name) == (mode, guard.__name__)
    assert (tmp_path / "changes.ndjson").exists() == (mode != "read")


def test_a_row_waits_for_its_own_write_and_for_that_of_the_run_that_is_undone(tmp_path: Path) -> None:
    just_now = current()
    known = Unfinished(unsettled={2: LONG_AGO, 3: just_now})
    writes, _ = asyncio.run(writes_of(tmp_path, "apply", known, {3: LONG_AGO, 4: just_now, 5: LONG_AGO}))
    full = 100.0 + INTERVAL
    assert writes.unsettled[2] == writes.unsettled[3] == writes.unsettled[5] == full
    assert 0 < writes.unsettled[4] <= full
    assert writes.unsettled.keys() == {2, 3, 4, 5}


def test_a_machine_that_cannot_tell_waits_in_full(tmp_path: Path) -> None:
    writes, _ = asyncio.run(writes_of(tmp_path, "apply", Unfinished(), {2: Heartbeat()}))
    assert writes.unsettled == {2: 100.0 + INTERVAL}
