"""What a ledger says after any number of processes that wrote it and died is what they did, or may have done."""

import asyncio
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from bulkmail.errors import Damaged
from bulkmail.model import Change, Effect, Ending, Made, Request
from bulkmail.rundir.folder import ALIVE, CHANGES
from bulkmail.rundir.heartbeat import Heartbeat, encode, last
from bulkmail.rundir.journal import Journal
from bulkmail.rundir.ledger import ChangeLedger
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.unfinished import Unfinished
from bulkmail.sink import Appender
from bulkmail.sink.appender import reopened
from bulkmail.source.rows import Rows
from bulkmail.testing import JumpingLoop


def rows(*numbers: int) -> Rows:
    found = Rows()
    for number in numbers:
        found.add(number)
    return found


def ledger_of(folder: Path, *entries: dict[str, Any]) -> None:
    with Appender(folder / CHANGES) as file:
        Journal(file).append([orjson.dumps(entry) for entry in entries])


def intended(change: int, row: int, effect: Effect) -> dict[str, Any]:
    what = {"mailbox": f"user{row}", "key": f"k{change}", "before": 1, "after": 2}
    return {"change": change, "row": row, "state": "intended", "effect": effect, **what}


def planned(change: int, row: int) -> dict[str, Any]:
    return intended(change, row, Effect.KEYED) | {"state": "planned"}


def ended(change: int, row: int, state: Ending) -> dict[str, Any]:
    return {"change": change, "row": row, "state": state}


LAST = Heartbeat("b", 9.5)


def left_by(folder: Path, *entries: dict[str, Any], done: Rows | None = None) -> Unfinished:
    ledger_of(folder, *entries)
    (folder / ALIVE).write_bytes(orjson.dumps(encode(LAST)))
    return RunDir(folder).unfinished(done or Rows())


def test_without_a_ledger_there_is_nothing(tmp_path: Path) -> None:
    assert RunDir(tmp_path).unfinished() == Unfinished()


@pytest.mark.parametrize(
    ("effect", "ending", "unsettled", "barred"),
    [
        (Effect.KEYED, None, True, False),
        (Effect.KEYED, Ending.UNKNOWN, True, False),
        (Effect.KEYED, Ending.DONE, False, False),
        (Effect.KEYED, Ending.REFUSED, False, False),
        (Effect.KEYED, Ending.UNSENT, False, False),
        (Effect.NONE, None, False, True),
        (Effect.NONE, Ending.UNKNOWN, False, True),
        (Effect.NONE, Ending.DONE, False, True),  # done, and its mailbox is not: it must not be done again
        (Effect.NONE, Ending.REFUSED, False, False),
        (Effect.NONE, Ending.UNSENT, False, False),
        (Effect.IDEMPOTENT, None, False, False),
        (Effect.IDEMPOTENT, Ending.UNKNOWN, False, False),
        (Effect.VERIFIED, None, False, False),
        (Effect.VERIFIED, Ending.UNKNOWN, False, False),
    ],
)
def test_what_an_unfinished_row_may_do(
    tmp_path: Path, effect: Effect, ending: Ending | None, *, unsettled: bool, barred: bool
) -> None:
    entries = [intended(1, 7, effect)] + ([] if ending is None else [ended(1, 7, ending)])
    found = left_by(tmp_path, *entries)
    assert found.unsettled == ({7: LAST} if unsettled else {})
    assert found.barred == ({7} if barred else set())
    assert found.counts == Counter({ending or Ending.UNKNOWN: 1})
    assert (found.number, found.length) == (1, (tmp_path / CHANGES).stat().st_size)


def test_rows_that_are_done_are_neither_unsettled_nor_barred(tmp_path: Path) -> None:
    entries = [intended(1, 7, Effect.KEYED), intended(2, 8, Effect.NONE), intended(3, 9, Effect.NONE)]
    found = left_by(tmp_path, *entries, done=rows(7, 8))
    assert (found.unsettled, found.barred) == ({}, {9})
    assert found.counts == Counter({Ending.UNKNOWN: 3})


def test_a_change_of_a_row_that_is_done_is_counted_and_no_more(tmp_path: Path) -> None:
    found = left_by(tmp_path, intended(1, 7, Effect.KEYED), ended(1, 7, Ending.DONE), done=rows(7))
    assert (found.counts, found.made, found.unsettled) == (Counter({Ending.DONE: 1, Ending.UNKNOWN: 0}), {}, {})


def test_changes_of_rows_without_an_outcome_are_told_unless_they_were_not_made(tmp_path: Path) -> None:
    endings = (Ending.DONE, Ending.REFUSED, Ending.UNSENT, Ending.UNKNOWN, None)
    entries = [intended(change, 7, Effect.IDEMPOTENT) for change in range(1, 6)]
    entries += [ended(change, 7, ending) | {"id": f"i{change}"} for change, ending in enumerate(endings, 1) if ending]
    found = left_by(tmp_path, *entries, intended(6, 8, Effect.KEYED), done=rows(8))
    told = {
        1: Made(Change("k1", 1, 2), "i1"),
        4: Made(Change("k4", 1, 2), "i4", False),
        5: Made(Change("k5", 1, 2), "", False),
    }
    assert found.made == {7: told}


def test_what_was_planned_for_a_row_that_is_not_done_will_be_planned_again(tmp_path: Path) -> None:
    found = left_by(tmp_path, planned(1, 7), planned(2, 8), done=rows(8))
    assert found.counts == Counter({Ending.PLANNED: 1})
    assert found.number == 2


def test_each_process_has_its_own_last_heartbeat(tmp_path: Path) -> None:
    earlier = Heartbeat("b", 2.0)
    found = left_by(
        tmp_path,
        intended(1, 7, Effect.KEYED),
        intended(2, 8, Effect.KEYED),
        ended(2, 8, Ending.UNKNOWN),
        {"state": "reopened", "last_sign": encode(earlier)},
        intended(3, 8, Effect.KEYED),
    )
    assert found.unsettled == {7: earlier, 8: LAST}


def test_a_damaged_ledger_is_refused(tmp_path: Path) -> None:
    with Appender(tmp_path / CHANGES) as file:
        for change in range(3):
            Journal(file).append([orjson.dumps(intended(change, 7, Effect.NONE))])
    content = file.path.read_bytes()
    file.path.write_bytes(content.replace(b"none", b"read", 1))
    with pytest.raises(Damaged):
        RunDir(tmp_path).unfinished()


class Processes(RuleBasedStateMachine):
    """Processes that share a ledger, one after another. The model is what each change has come to, and nothing else."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.done = Rows()
        self.changes: dict[int, tuple[int, Effect, int]] = {}  # number to row, effect, and process
        self.further: set[int] = set()  # numbers of those that go on with another
        self.endings: dict[int, Ending] = {}
        self.beats: list[Heartbeat] = []  # the last one of each process, if the next one has noted it
        self.noted: list[bool] = []
        self.moment = 0.0
        self.start()

    def start(self) -> None:
        """A process begins: what it finds is what the model says."""
        found = RunDir(self.folder).unfinished(self.done)
        self.check(found)
        self.file = reopened(self.folder / CHANGES, found.length)
        self.counts = found.counts
        self.ledger = ChangeLedger(Journal(self.file), number=found.number, counts=found.counts)
        if found.length:
            self.ledger.reopen(self.last())
        self.process = len(self.beats)
        self.flying: dict[int, Request] = {}
        self.runner = asyncio.Runner(loop_factory=JumpingLoop)
        self.writing = self.runner.get_loop().create_task(self.ledger.write())
        self.beat()

    def beat(self) -> None:
        self.moment += 1
        (self.folder / ALIVE).write_bytes(orjson.dumps(encode(Heartbeat("b", self.moment))))

    def last(self) -> Heartbeat:
        return last(self.folder / ALIVE)

    def check(self, found: Unfinished) -> None:
        planned = sum(
            row in self.done and number not in self.further
            for number, (row, _, _) in self.changes.items()
            if self.is_plan(number)
        )
        sent = [number for number in self.changes if not self.is_plan(number)]
        fates = {number: self.endings.get(number, Ending.UNKNOWN) for number in sent}
        counted = (fate for number, fate in fates.items() if number not in self.further or fate is not Ending.DONE)
        assert found.counts == Counter(counted) + Counter({Ending.PLANNED: planned})
        assert found.number == max(self.changes, default=0)
        unsettled: dict[int, Heartbeat] = {}
        barred = set()
        for number, fate in fates.items():
            row, effect, process = self.changes[number]
            if row not in self.done and effect is Effect.KEYED and fate is Ending.UNKNOWN:
                unsettled[row] = max(unsettled.get(row, Heartbeat()), self.beat_of(process), key=lambda one: one.up)
            if row not in self.done and effect is Effect.NONE and fate in (Ending.UNKNOWN, Ending.DONE):
                barred.add(row)
        assert found.unsettled == unsettled
        assert found.barred == barred

    def is_plan(self, number: int) -> bool:
        return self.endings.get(number) is Ending.PLANNED

    def beat_of(self, process: int) -> Heartbeat:
        """When a process was last alive, as far as the ledger and the last heartbeat can tell."""
        known = (beat for beat, noted in zip(self.beats[process:], self.noted[process:], strict=True) if noted)
        return next(known, None) or self.last()

    async def intend(self, row: int, effect: Effect, *, further: bool = False) -> None:
        request = Request("POST", "/x", "ada", effect=effect, row=row, change=Change("k", further=further))
        number = await self.ledger.intend(request)
        self.further |= {number} if further else set()
        self.changes[number] = (row, effect, self.process)
        self.flying[number] = request

    @rule(
        row=st.integers(1, 5),
        effect=st.sampled_from([Effect.KEYED, Effect.NONE, Effect.IDEMPOTENT]),
        further=st.booleans(),
    )
    def change(self, row: int, effect: Effect, *, further: bool) -> None:
        self.runner.run(self.intend(row, effect, further=further))

    @rule(row=st.integers(1, 5), further=st.booleans())
    def plan(self, row: int, *, further: bool) -> None:
        number, change = self.ledger._number + 1, Change("k", further=further)
        self.runner.run(self.ledger.plan(Request("POST", "/x", "ada", effect=Effect.KEYED, row=row, change=change)))
        self.further |= {number} if further else set()
        self.changes[number] = (row, Effect.KEYED, self.process)
        self.endings[number] = Ending.PLANNED

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), ending=st.sampled_from([Ending.DONE, Ending.REFUSED, Ending.UNSENT, Ending.UNKNOWN]))
    def end(self, data: st.DataObject, ending: Ending) -> None:
        """Nobody waits until it is written."""
        number = data.draw(st.sampled_from(sorted(self.flying)))
        self.ledger.conclude(number, self.flying.pop(number), ending)
        self.endings[number] = ending

    @rule()
    def rest(self) -> None:
        self.runner.run(asyncio.sleep(1))

    @rule(row=st.integers(1, 5))
    def finish(self, row: int) -> None:
        self.done.add(row)

    @rule(kept=st.floats(0, 1), late=st.lists(st.tuples(st.integers(1, 5), st.sampled_from(Effect)), max_size=3))
    def kill(self, kept: float, late: list[tuple[int, Effect]]) -> None:
        """In the middle of a write, or just after one; those who wait for it never hear of it."""
        before = self.file.length

        async def write() -> None:
            waiting = [asyncio.create_task(self.intend(row, effect)) for row, effect in late]
            await asyncio.wait([*waiting, asyncio.create_task(asyncio.sleep(1))])

        self.runner.run(write())
        self.stop()
        with self.file.path.open("r+b") as file:
            file.truncate(before + round(kept * (self.file.length - before)))
        self.forget_what_was_cut()
        self.start()

    @rule()
    def leave(self) -> None:
        """In good order; what still flies is cancelled, and has no end."""
        self.ledger.close()
        self.runner.run(asyncio.wait_for(self.writing, 60))
        counts = self.counts
        self.stop()
        found = RunDir(self.folder).unfinished(self.done)
        assert found.counts[Ending.DONE] == counts[Ending.DONE]
        assert found.counts[Ending.UNKNOWN] == counts[Ending.UNKNOWN] + len(self.flying)
        self.forget_what_was_cut()
        self.start()

    def stop(self) -> None:
        self.runner.close()
        self.file.close()
        self.beats.append(self.last())

    def forget_what_was_cut(self) -> None:
        """Of the last process's changes: whoever sent them had waited, so only what was never sent is forgotten."""
        whole = [
            orjson.loads(line) for line in self.file.path.read_bytes().splitlines(keepends=True) if line[-1:] == b"\n"
        ]
        states = {(entry["change"], entry["state"]) for entry in whole if "change" in entry}
        beats = [entry["last_sign"] for entry in whole if entry["state"] == "reopened"]
        self.noted = [encode(beat) in beats for beat in self.beats]
        for number in list(self.changes):
            ending = self.endings.get(number)
            if ending is not Ending.PLANNED and (number, "intended") not in states:
                del self.changes[number]
                self.endings.pop(number, None)
            elif ending is not None and (number, ending) not in states:
                del self.endings[number]

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.close()
            self.file.close()
            shutil.rmtree(self.folder)


TestProcesses = Processes.TestCase
TestProcesses.settings = settings(max_examples=15, stateful_step_count=30)
