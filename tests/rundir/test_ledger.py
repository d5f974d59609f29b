"""A change is on the disk before its request may leave; every change ends once; a bound is kept to the last one."""

import asyncio
from collections import Counter
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import ChangesExhausted
from bulkmail.model import Change, Effect, Ending
from bulkmail.rundir.entries import Intent, encode_change
from bulkmail.rundir.heartbeat import Heartbeat
from bulkmail.rundir.journal import Journal, read
from bulkmail.rundir.ledger import LINGER, ChangeLedger, written
from bulkmail.sink import Appender
from bulkmail.testing import run
from tests.rundir.ledgers import Gate, Memory, turns, write


def test_an_intent_returns_when_it_is_on_the_disk() -> None:
    journal = Memory()

    async def main() -> None:
        gate = journal.gate = Gate()
        async with written(ChangeLedger(journal)) as ledger:
            intending = asyncio.create_task(ledger.intend(write()))
            await gate.entered.wait()
            await turns()
            assert not intending.done(), "the disk has not answered yet"
            gate.open()
            assert await intending == 1
            assert journal.states() == [(1, "intended")]
            assert repr(ledger) == "<ChangeLedger 1 noted, 1 open>"
            ledger.conclude(1, write(), Ending.DONE, "AAMk=")
            assert repr(ledger) == "<ChangeLedger 1 noted, 0 open>"

    run(main())
    assert journal.entries[1] == {"change": 1, "row": 7, "state": "done", "id": "AAMk="}


def test_a_plan_returns_when_it_is_on_the_disk() -> None:
    journal = Memory()

    async def main() -> ChangeLedger:
        async with written(ChangeLedger(journal, number=4)) as ledger:
            await ledger.plan(write())
            assert journal.states() == [(5, "planned")]
        return ledger

    ledger = run(main())
    assert ledger.counts == {Ending.PLANNED: 1}
    assert repr(ledger) == "<ChangeLedger 5 noted, 0 open>"


def test_an_entry_says_all_that_undoing_needs() -> None:
    journal = Memory()
    changed = write(change=Change("contact:1", {"a": 1}, {"a": 2}))

    async def main() -> None:
        async with written(ChangeLedger(journal)) as ledger:
            await ledger.intend(changed)
            await ledger.intend(write(8))
            ledger.conclude(2, write(8), Ending.REFUSED)

    run(main())
    first, second, end = journal.entries
    assert first.pop("time").endswith("+00:00")
    assert second.pop("time")
    assert first == {
        "change": 1, "row": 7, "mailbox": "ada", "key": "contact:1", "state": "intended", "method": "POST",
        "path": "/users/ada/contacts?x=7", "effect": "keyed", "before": {"a": 1}, "after": {"a": 2},
    }  # fmt: skip
    assert second == first | {
        "change": 2, "row": 8, "key": "/users/ada/contacts", "path": "/users/ada/contacts?x=8", "before": None,
        "after": {"n": 8},
    }  # fmt: skip
    assert end == {"change": 2, "row": 8, "state": "refused"}


def test_what_json_cannot_hold_ends_no_run() -> None:
    changed = Change("k", after={"text": "\ud800", "n": 2**70, "b": b"x"})
    entry = orjson.loads(encode_change(Intent(1, 7, "ada", changed, Effect.KEYED)))
    assert entry["after"]["text"] == "\\ud800"


def test_those_who_come_together_share_a_write() -> None:
    journal = Memory()

    async def main() -> list[int]:
        async with written(ChangeLedger(journal)) as ledger, asyncio.TaskGroup() as group:
            tasks = [group.create_task(ledger.intend(write(row))) for row in range(100)]
        return [task.result() for task in tasks]

    assert run(main()) == list(range(1, 101))
    assert [len(group) for group in journal.groups] == [100]
    assert [entry["row"] for entry in journal.entries] == list(range(100))


def test_who_comes_a_little_later_shares_the_write_and_who_comes_much_later_is_not_waited_for() -> None:
    journal = Memory()

    async def main() -> None:
        async with written(ChangeLedger(journal)) as ledger, asyncio.TaskGroup() as group:
            for row, later in enumerate((0, 1 / 3, 2 / 3, 3)):
                group.create_task(intend_after(ledger, row, later * LINGER))

    async def intend_after(ledger: ChangeLedger, row: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await ledger.intend(write(row))

    run(main())
    assert [[entry["row"] for entry in group] for group in journal.groups] == [[0, 1, 2], [3]]


def test_who_comes_while_the_disk_is_busy_waits_for_the_next_write() -> None:
    journal = Memory()

    async def main() -> None:
        gate = journal.gate = Gate()
        async with written(ChangeLedger(journal)) as ledger, asyncio.TaskGroup() as group:
            group.create_task(ledger.intend(write(1)))
            await gate.entered.wait()
            late = [group.create_task(ledger.intend(write(row))) for row in (2, 3)]
            await turns()
            gate.open()
            await late[0]
            ledger.conclude(2, write(2), Ending.DONE)

    run(main())
    assert [[entry["row"] for entry in group] for group in journal.groups] == [[1], [2, 3], [2]]


@pytest.mark.parametrize("writing", [False, True], ids=["before it is written", "while it is written"])
def test_an_intent_that_nobody_waits_for_any_more_ends_unsent(writing: bool) -> None:
    journal = Memory()

    async def main() -> ChangeLedger:
        gate = journal.gate = Gate()
        async with written(ChangeLedger(journal, most=1)) as ledger:
            intending = asyncio.create_task(ledger.intend(write()))
            if writing:
                await gate.entered.wait()
            else:
                await asyncio.sleep(0)
            intending.cancel()
            await asyncio.wait([intending])
            assert intending.cancelled()
            gate.open()
            assert await ledger.intend(write()) == 2, "what was never sent is no change"
        return ledger

    ledger = run(main())
    assert journal.states() == [(1, "intended"), (1, "unsent"), (2, "intended")]
    assert ledger.counts == {Ending.UNSENT: 1}


def test_a_later_process_goes_on_with_numbers_and_counts_and_says_so_first() -> None:
    journal, counts = Memory(), Counter({Ending.DONE: 3, Ending.UNKNOWN: 1})

    async def main() -> None:
        ledger = ChangeLedger(journal, number=9, counts=counts, most=5)
        ledger.reopen(Heartbeat("b", 4.5))
        async with written(ledger):
            number = await ledger.intend(write())
            assert number == 10
            with pytest.raises(ChangesExhausted):
                await ledger.intend(write())
            ledger.conclude(number, write(), Ending.DONE)

    run(main())
    assert journal.entries[0] == {"state": "reopened", "last_sign": {"boot": "b", "up": 4.5}}
    assert counts == {Ending.DONE: 4, Ending.UNKNOWN: 1}


def test_who_is_one_too_many_is_told_and_not_noted() -> None:
    told: list[str] = []
    journal = Memory()

    async def main() -> None:
        async with written(ChangeLedger(journal, most=1_000, counts=Counter({Ending.DONE: 1_000}),
                                        exhausted=lambda: told.append("full"))) as ledger:  # fmt: skip
            with pytest.raises(ChangesExhausted, match="may make 1,000 changes, and this would be one more"):
                await ledger.intend(write())

    run(main())
    assert told == ["full"]
    assert journal.entries == []


def test_what_goes_on_with_a_change_is_one_with_it_unless_it_ends_badly() -> None:
    first, then = write(change=Change("draft")), write(change=Change("letter", further=True))
    journal = Memory()

    async def main() -> None:
        async with written(ChangeLedger(journal, most=1)) as ledger:
            ledger.conclude(await ledger.intend(first), first, Ending.DONE)
            for ending in (Ending.DONE, Ending.REFUSED, Ending.UNSENT, Ending.UNKNOWN):
                ledger.conclude(await ledger.intend(then), then, ending)
            with pytest.raises(ChangesExhausted):
                await ledger.intend(first)
            await ledger.plan(then)
        assert ledger.counts == Counter([Ending.DONE, Ending.REFUSED, Ending.UNSENT, Ending.UNKNOWN])

    run(main())
    assert all(entry.get("further", False) is (entry["change"] > 1) for entry in journal.entries)


ends = st.sampled_from([ending for ending in Ending if ending is not Ending.PLANNED])


@given(st.integers(0, 6), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), ends), max_size=30))
def test_the_bound_is_exact_however_many_come_at_once(most: int, plays: list[tuple[int, int, Ending]]) -> None:
    """Any moment's changes that are under way, done or unknown are within it; and nobody is sent away for nothing."""
    journal, refused = Memory(), list[int]()
    made, open_ = 0, 0

    async def play(ledger: ChangeLedger, begins: int, seconds: int, ending: Ending) -> None:
        nonlocal made, open_
        await asyncio.sleep(begins)
        before = made + open_
        open_ += 1
        try:
            number = await ledger.intend(write())
        except ChangesExhausted:
            open_ -= 1
            refused.append(before)
            return
        assert not most or made + open_ <= most
        await asyncio.sleep(seconds + 0.5)
        open_ -= 1
        made += ending in (Ending.DONE, Ending.UNKNOWN)
        ledger.conclude(number, write(), ending)

    async def main() -> ChangeLedger:
        async with written(ChangeLedger(journal, most=most)) as ledger, asyncio.TaskGroup() as group:
            for begins, seconds, ending in plays:
                group.create_task(play(ledger, begins, seconds, ending))
        return ledger

    ledger = run(main())
    assert set(refused) <= {most}
    assert ledger.counts.total() == len(plays) - len(refused)
    assert sorted(journal.states()) == sorted(set(journal.states())), "an entry is there twice"
    assert len(journal.entries) == 2 * ledger.counts.total()


def test_on_a_real_disk(tmp_path: Path) -> None:
    async def main() -> None:
        with Appender(tmp_path / "changes.ndjson") as file:
            async with written(ChangeLedger(Journal(file))) as ledger:
                number = await ledger.intend(write())
                assert [line.entry["state"] for line in read(file.path)] == ["intended"]
                ledger.conclude(number, write(), Ending.DONE)
            assert [line.entry["state"] for line in read(file.path)] == ["intended", "done"]

    run(main())
