"""Observers see a run once a second, and cannot disturb it."""

import asyncio
import logging
from itertools import count
from mmap import PAGESIZE
from pathlib import Path

import pytest

from bulkmail.app.observe import observed
from bulkmail.core.pace.pace import Pace
from bulkmail.model import Ending, Mailbox, Outcome, Status
from bulkmail.run.snapshot import Snapshot, resident
from bulkmail.rundir.totals import Totals
from bulkmail.testing import run


def snapshot(totals: Totals, seconds: float) -> Snapshot:
    changes = {Ending.DONE: 3}
    return Snapshot.of(totals, changes, Pace().statistics(), [], at=1.0, seconds=seconds, expected=9)


def test_once_at_the_start_once_a_second_and_once_at_the_end() -> None:
    async def main() -> list[float]:
        clock, seen = asyncio.get_running_loop().time, list[float]()
        async with observed(lambda: snapshot(Totals(), clock()), [lambda one: seen.append(one.seconds)]):
            await asyncio.sleep(2.5)
        await asyncio.sleep(5)
        return seen

    assert run(main()) == [0.0, 1.0, 2.0, 2.5]


def test_a_snapshot_stays_what_it_was() -> None:
    totals = Totals()
    totals.add(Outcome(Mailbox("ada@contoso.com", 2), Status.FAILED))
    taken = snapshot(totals, 0)
    totals.add(Outcome(Mailbox("alan@contoso.com", 3), Status.OK))
    totals.throttled = 7
    assert (taken.done, taken.not_ok, taken.throttled) == (1, 1, 0)
    assert taken.statuses == {Status.FAILED: 1}
    assert taken.changes == {Ending.DONE: 3}


def test_an_observer_that_fails_is_logged_once_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_snapshot: Snapshot) -> None:
        raise ValueError("a broken screen")

    seen: list[Snapshot] = []

    async def main() -> None:
        async with observed(lambda: snapshot(Totals(), 0), [broken, seen.append]):
            await asyncio.sleep(2.5)

    with caplog.at_level(logging.ERROR):
        run(main())
    assert len(seen) == 4
    assert len(caplog.records) == 1
    assert "a broken screen" in caplog.text


def test_a_look_that_fails_is_logged_and_not_lost(caplog: pytest.LogCaptureFixture) -> None:
    numbers = count()

    def look() -> Snapshot:
        if next(numbers) == 1:
            raise ValueError("nothing to see")
        return snapshot(Totals(), 0)

    async def main() -> None:
        async with observed(look, [lambda _: None]):
            await asyncio.sleep(2.5)

    with caplog.at_level(logging.ERROR):
        run(main())
    assert "nothing to see" in caplog.text


def test_without_observers_no_snapshot_is_taken() -> None:
    async def main() -> None:
        async with observed(lambda: pytest.fail("looked"), []):
            await asyncio.sleep(2.5)

    run(main())


def test_memory_is_told_where_the_system_tells_it(tmp_path: Path) -> None:
    (tmp_path / "statm").write_text("100 7 3\n")
    assert resident(tmp_path / "statm") == 7 * PAGESIZE
    assert resident(tmp_path / "nothing") == 0
