"""Snapshots reach the disk beside the run, and a disk that refuses them disturbs nothing."""

import asyncio
import logging
from pathlib import Path

import pytest

from bulkmail.core.pace.pace import Pace
from bulkmail.model import Ending, Event, Mailbox, Outcome, Status, Wait
from bulkmail.run.sampling import FEW, OTHERS, sample_of, sampled
from bulkmail.run.snapshot import Snapshot
from bulkmail.rundir.folder import SAMPLES
from bulkmail.rundir.manifest import Waited
from bulkmail.rundir.samples import read_samples
from bulkmail.rundir.totals import Totals
from bulkmail.testing import run

WAITS = [Wait("", 2.0, "TooManyRequests, application"), Wait("ada@contoso.com", 9.0, "MailboxConcurrency, mailbox")]


def snapshot(seconds: float, totals: Totals | None = None) -> Snapshot:
    return Snapshot.of(
        totals or Totals(), {Ending.DONE: 3, Ending.PLANNED: 0}, Pace().statistics(), WAITS, at=1.0, seconds=seconds,
        expected=9, memory=4096, queue=2,
    )  # fmt: skip


def test_a_sample_has_the_figures_and_no_mailbox() -> None:
    totals = Totals()
    totals.add(Outcome(Mailbox("ada@contoso.com", 2), Status.OK, rows=4, findings=1))
    totals.hear(Event("throttled", "MailboxConcurrency, mailbox", "ada@contoso.com", 9.0, 7.5))
    sample = sample_of(snapshot(1.0, totals))
    assert (sample.done, sample.statuses, sample.rows, sample.findings) == (1, {"ok": 1}, 4, 1)
    assert (sample.limits, sample.changes) == ({"MailboxConcurrency, mailbox": Waited(1, 7.5)}, {"done": 3})
    assert (sample.waiting, sample.all_wait, sample.queue, sample.memory) == (1, 2.0, 2, 4096)
    assert (sample.limit, sample.mode, sample.expected) == (None, "climb", 9)
    assert "ada" not in repr(sample)


def test_a_service_that_names_ever_new_limits_makes_no_long_lines() -> None:
    totals = Totals()
    for number in range(FEW + 5):
        totals.hear(Event("throttled", f"Limit{number}, mailbox", "ada@contoso.com", 1.0, 2.0))
    limits = sample_of(snapshot(0, totals)).limits
    assert len(limits) == FEW + 1
    assert limits[OTHERS] == Waited(5, 10.0)


def test_all_that_was_shown_is_there_when_the_block_has_ended(tmp_path: Path) -> None:
    async def main() -> None:
        async with sampled(tmp_path) as observer:
            for second in range(5):
                observer(snapshot(second))
                await asyncio.sleep(1)
            observer(snapshot(4.2))

    run(main())
    assert [one.seconds for one in read_samples(tmp_path)] == [0, 1, 2, 3, 4, 4.2]


def test_a_disk_that_refuses_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / SAMPLES).mkdir()

    async def main() -> None:
        async with sampled(tmp_path) as observer:
            for second in range(200):
                observer(snapshot(second))
                await asyncio.sleep(1)

    with caplog.at_level(logging.WARNING):
        run(main())
    assert len(caplog.records) == 1
    assert "without its samples" in caplog.text


def test_a_run_that_is_cancelled_keeps_its_samples(tmp_path: Path) -> None:
    async def main() -> None:
        async with sampled(tmp_path) as observer:
            observer(snapshot(0))
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run(main())
    assert len(read_samples(tmp_path)) == 1


def test_a_mistake_in_taking_samples_is_logged_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with sampled(tmp_path) as observer:
            observer(None)  # type: ignore[arg-type]
            await asyncio.sleep(1)
            assert "Sampler" in repr(observer)

    with caplog.at_level(logging.ERROR):
        run(main())
    assert "without its samples" in caplog.text
