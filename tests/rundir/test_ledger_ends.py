"""How the writing of a ledger ends: by an error of the disk, by being cancelled, or with all on the disk."""

import asyncio

import pytest

from bulkmail.errors import OutputError
from bulkmail.model import Ending
from bulkmail.rundir.ledger import ChangeLedger, written
from bulkmail.testing import run
from tests.rundir.ledgers import Gate, Memory, turns, write


def test_an_error_of_the_disk_reaches_everybody_and_nothing_more_is_written() -> None:
    journal = Memory(fails_at=1)

    async def refused(ledger: ChangeLedger) -> None:
        with pytest.raises(OutputError, match="no space left"):
            await ledger.intend(write())

    async def block(ledger: ChangeLedger) -> None:
        async with written(ledger):
            assert await ledger.intend(write()) == 1
            async with asyncio.TaskGroup() as group:
                for _ in range(5):
                    group.create_task(refused(ledger))

    async def main() -> ChangeLedger:
        ledger = ChangeLedger(journal)
        with pytest.raises(OutputError, match="no space left"):
            await block(ledger)
        assert isinstance(ledger.failure, OutputError)
        journal._fails_at = None  # a disk that works again is not trusted
        await refused(ledger)
        with pytest.raises(OutputError):
            await ledger.plan(write())
        ledger.conclude(1, write(), Ending.DONE)
        return ledger

    ledger = run(main())
    assert ledger.counts[Ending.UNSENT] == 6
    assert ledger.counts[Ending.DONE] == 1
    assert journal.states() == [(1, "intended")]


def test_an_error_of_the_disk_breaks_off_what_waits_for_other_things() -> None:
    """Whoever was noted before may wait for its turn, and must not leave any more."""
    journal, left = Memory(fails_at=1), list[int]()

    async def main() -> None:
        async with written(ChangeLedger(journal)) as ledger:
            number = await ledger.intend(write())
            ledger.conclude(number, write(), Ending.DONE)  # nobody waits for that
            await asyncio.sleep(3600)
            left.append(number)

    with pytest.raises(OutputError, match="no space left"):
        run(main())
    assert left == []


def test_who_comes_while_the_disk_fails_is_told() -> None:
    journal = Memory(fails_at=0)

    async def main() -> None:
        gate = journal.gate = Gate()
        ledger = ChangeLedger(journal)
        writing = asyncio.create_task(ledger.write())
        first = asyncio.create_task(ledger.intend(write(1)))
        await gate.entered.wait()
        second = asyncio.create_task(ledger.intend(write(2)))
        await turns()
        gate.open()
        for one in (first, second, writing):
            with pytest.raises(OutputError):
                await one

    run(main())


def test_an_accident_in_the_journal_is_not_swallowed() -> None:
    class Broken(Memory):
        def append(self, entries: list[bytes], /) -> None:
            raise ZeroDivisionError

    async def main() -> None:
        async with written(ChangeLedger(Broken())) as ledger:
            ledger.conclude(1, write(), Ending.DONE)

    with pytest.raises(ExceptionGroup) as caught:
        run(main())
    assert caught.group_contains(ZeroDivisionError)


def test_all_is_written_before_the_block_ends_whatever_ends_it() -> None:
    for error in (KeyError("task"), asyncio.CancelledError()):
        journal = Memory()

        async def main(journal: Memory, error: BaseException) -> None:
            async with written(ChangeLedger(journal)) as ledger:
                await ledger.intend(write())
                ledger.conclude(1, write(), Ending.UNKNOWN)
                raise error

        with pytest.raises((ExceptionGroup, asyncio.CancelledError)):
            run(main(journal, error))
        assert journal.states() == [(1, "intended"), (1, "unknown")]


def test_cancelled_while_it_closes_it_still_writes_all() -> None:
    journal = Memory()

    async def main() -> None:
        gate = journal.gate = Gate()

        async def block() -> None:
            async with written(ChangeLedger(journal)) as ledger:
                ledger.conclude(1, write(), Ending.DONE)

        closing = asyncio.create_task(block())
        await gate.entered.wait()
        closing.cancel()
        await turns()
        assert not closing.done()
        gate.open()
        await asyncio.wait([closing])
        assert closing.cancelled()

    run(main())
    assert journal.states() == [(1, "done")]


def test_a_writer_that_is_cancelled_finishes_what_the_disk_has_begun() -> None:
    journal = Memory()

    async def main() -> None:
        gate = journal.gate = Gate()
        ledger = ChangeLedger(journal)
        writing = asyncio.create_task(ledger.write())
        intending = asyncio.create_task(ledger.intend(write()))
        await gate.entered.wait()
        writing.cancel()
        gate.open()
        await asyncio.wait([writing])
        assert writing.cancelled()
        assert await intending == 1

    run(main())
    assert journal.states() == [(1, "intended")]
