"""The writer: rows before their outcome, and an outcome that says how far the rows reach."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from bulkmail.errors import OutputError
from bulkmail.model import Mailbox, Outcome, Problem, Rejected, Status, Tally
from bulkmail.run.outputs import OutputSettings, open_outputs
from bulkmail.run.writer import QUEUE, Finished, Sink, Writer
from bulkmail.rundir.entries import encode_outcome, encode_verdict
from bulkmail.rundir.recovery import Recovered
from bulkmail.rundir.totals import Totals
from bulkmail.sink import Csv, Ndjson
from bulkmail.testing import run
from tests.run.stage import MemoryFile, MemoryJournal, MemoryRejects

ADA = Mailbox("ada@example.com", 2)


def write(writer: Writer, *items: Finished | Rejected) -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(writer.write())
            for item in items:
                await writer.put(item)
            writer.close()

    run(main())


def test_offsets_are_the_lengths_after_each_mailbox() -> None:
    records, table, outcomes, totals = MemoryFile(), MemoryFile(), MemoryJournal(), Totals()
    sinks = [Sink("a", Ndjson(), records, 0), Sink("b", Csv(["n"]), table, 3)]
    writer = Writer(sinks, outcomes, MemoryRejects(), totals)
    finished = [
        Finished(Outcome(Mailbox(f"{n}@example.com", n), Status.OK, n), writer.encode([{"n": n}] * n))
        for n in range(600)
    ]
    write(writer, *finished)
    lengths = [0, 3]
    for item, line in zip(finished, outcomes.lines(), strict=True):
        lengths = [length + len(block) for length, block in zip(lengths, item.blocks, strict=True)]
        assert line["offsets"] == dict(zip("ab", lengths, strict=True))
    assert lengths == [len(records.content), len(table.content) + 3]
    assert totals.done == 600
    assert totals.rows == sum(range(600))


def test_many_that_are_added_at_once_are_written_as_one_by_one() -> None:
    """With the entries that were made of some of them already."""
    written = []
    finished = [Finished(Outcome(Mailbox(f"{n}@example.com", n), Status.OK, 1), [b"row\n"]) for n in range(2, 600)]
    told = [
        one._replace(verdict=encode_verdict(one.outcome)) if one.outcome.mailbox.row % 2 else one for one in finished
    ]

    async def main(writer: Writer) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(writer.write())
            await writer.room()
            writer.add([])
            writer.add(told[:1])
            await asyncio.sleep(1)
            writer.add(told[1:])
            writer.close()

    for all_at_once in (True, False):
        records, outcomes, totals = MemoryFile(), MemoryJournal(), Totals()
        writer = Writer([Sink("100%", Ndjson(), records, 0)], outcomes, MemoryRejects(), totals)
        if all_at_once:
            run(main(writer))
        else:
            write(writer, *finished)
        written.append((records.content, outcomes.lines(), totals))
    assert written[0] == written[1]


def test_there_is_room_again_when_some_of_those_that_wait_are_written() -> None:
    async def main() -> None:
        writer = Writer([Sink("a", Ndjson(), MemoryFile(), 0)], MemoryJournal(), MemoryRejects(), Totals())
        writer.add([Finished(Outcome(ADA, Status.OK), [b""])] * QUEUE)
        waiting = asyncio.create_task(writer.room())
        await asyncio.sleep(1)
        assert not waiting.done()
        writer.close()
        await writer.write()
        await waiting

    run(main())


def test_whoever_has_no_rows_leaves_the_lengths_as_they_are() -> None:
    """Whether it did not run, wrote nothing or became no mailbox, and whoever else is in its group."""
    records, table, outcomes, rejects = MemoryFile(), MemoryFile(), MemoryJournal(), MemoryRejects()
    writer = Writer(
        [Sink("a", Ndjson(), records, 7), Sink("b", Csv(["n"]), table, 3)], outcomes, rejects, totals := Totals()
    )
    nobody = Finished(Outcome(ADA, Status.NOT_RUN), ())
    somebody = Finished(Outcome(ADA, Status.OK, 1), blocks := writer.encode([{"n": 1}]))
    nothing = Finished(Outcome(ADA, Status.OK), writer.encode([]))
    blank = Rejected(3, "blank", "")
    groups: list[list[Finished | Rejected]] = [
        [nobody], [blank], [somebody, blank, nobody, nothing, somebody], [nobody, nobody],
    ]  # fmt: skip

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(writer.write())
            for items in groups:
                for item in items:
                    await writer.put(item)
                await asyncio.sleep(1)
            writer.close()

    run(main())
    lengths = [(line["offsets"]["a"] - 7, line["offsets"]["b"] - 3) for line in outcomes.lines()]
    row, cell = map(len, somebody.blocks)
    assert lengths == [(0, 0)] + 3 * [(row, cell)] + 3 * [(2 * row, 2 * cell)]
    assert [records.content, table.content] == [2 * block for block in blocks]
    assert rejects.rows == [blank, blank]
    assert totals.done == 7


def test_a_line_has_all_that_is_known() -> None:
    problem = Problem("Code", "text", 500, "r", "c")
    mailbox = Mailbox("ada@example.com", 7, "id-1")
    assert orjson.loads(
        encode_outcome(Outcome(mailbox, Status.FAILED, 1, Tally(2, 3, 0.12345), 1.23456, problem), {"f": 9})
    ) == {
        "row": 7,
        "mailbox": "ada@example.com",
        "id": "id-1",
        "status": "failed",
        "rows": 1,
        "requests": 2,
        "throttled": 3,
        "waited": 0.123,
        "seconds": 1.235,
        "error": {"code": "Code", "message": "text", "status": 500, "request_id": "r", "client_request_id": "c"},
        "offsets": {"f": 9},
    }


def test_a_line_says_whose_limit_was_waited_for_and_nothing_where_none_was() -> None:
    waited = encode_outcome(Outcome(ADA, Status.OK, tally=Tally(2, 1, 9.0, "MailboxConcurrency, mailbox")), {})
    assert orjson.loads(waited)["waited_for"] == "MailboxConcurrency, mailbox"
    assert b"waited_for" not in encode_outcome(Outcome(ADA, Status.OK, tally=Tally(2, 0, 9.0)), {})


def test_a_text_that_is_no_unicode_does_not_end_the_run() -> None:
    outcome = Outcome(ADA, Status.FAILED, problem=Problem("\udcff", "lone \ud800"))
    assert orjson.loads(encode_outcome(outcome, {}))["error"]["code"] == "\\udcff"


@pytest.mark.parametrize("turns", [1, 2, 5])
def test_cancelled_it_writes_what_it_has(turns: int) -> None:
    records, outcomes, totals = MemoryFile(), MemoryJournal(), Totals()
    writer = Writer([Sink("a", Ndjson(), records, 0)], outcomes, MemoryRejects(), totals)

    async def main() -> None:
        writing = asyncio.create_task(writer.write())
        for number in range(3):
            await writer.put(Finished(Outcome(ADA, Status.OK, 1), writer.encode([{"n": number}])))
        for _ in range(turns):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait([writing])
        assert writing.cancelled()

    run(main())
    assert records.content == b'{"n":0}\n{"n":1}\n{"n":2}\n'
    assert len(outcomes.lines()) == totals.done == 3


def test_cancelled_in_the_middle_of_a_write_it_writes_what_came_meanwhile() -> None:
    outcomes, totals = MemoryJournal(), Totals()

    async def main() -> None:
        loop, interrupted = asyncio.get_running_loop(), threading.Event()

        class Interrupting(MemoryFile):
            """Its first write is under way when the writer is cancelled."""

            def append(self, block: bytes) -> int:
                if not self.content:
                    loop.call_soon_threadsafe(interrupt)
                    assert interrupted.wait(60)
                return super().append(block)

        def interrupt() -> None:
            writing.cancel()
            late.append(asyncio.create_task(bring(1)))
            loop.call_soon(loop.call_soon, interrupted.set)

        async def bring(number: int) -> None:
            await writer.put(Finished(Outcome(ADA, Status.OK, 1), writer.encode([{"n": number}])))

        late: list[asyncio.Task[None]] = []
        records = Interrupting()
        writer = Writer([Sink("a", Ndjson(), records, 0)], outcomes, MemoryRejects(), totals)
        writing = asyncio.create_task(writer.write())
        await bring(0)
        await asyncio.wait([writing])
        assert writing.cancelled()
        assert records.content == b'{"n":0}\n{"n":1}\n'

    run(main())
    assert len(outcomes.lines()) == totals.done == 2


def test_who_brings_more_than_the_queue_holds_waits() -> None:
    outcomes = MemoryJournal()
    writer = Writer([Sink("a", Ndjson(), MemoryFile(), 0)], outcomes, MemoryRejects(), Totals())

    async def main() -> None:
        bringing = asyncio.create_task(bring())
        await asyncio.sleep(1)
        assert not bringing.done(), "nobody writes yet"
        assert repr(writer) == f"<Writer {QUEUE} waiting, 0 written>"
        async with asyncio.TaskGroup() as group:
            group.create_task(writer.write())
            await bringing
            writer.close()

    async def bring() -> None:
        for _ in range(QUEUE + 1):
            await writer.put(Finished(Outcome(ADA, Status.OK), ()))

    run(main())
    assert len(outcomes.lines()) == QUEUE + 1


def test_a_failing_file_is_told_once_and_nothing_more_is_written() -> None:
    outcomes, rejects = MemoryJournal(), MemoryRejects()
    writer = Writer([Sink("a", Ndjson(), MemoryFile(largest=10), 0)], outcomes, rejects, Totals())
    rows = writer.encode([{"n": "longer than ten bytes"}])
    with pytest.raises(ExceptionGroup) as caught:
        write(writer, Finished(Outcome(ADA, Status.OK, 1), rows), Rejected(3, "blank", ""))
    assert caught.group_contains(OutputError)
    assert outcomes.lines() == []
    assert rejects.rows == []


def test_the_files_of_a_run(tmp_path: Path) -> None:
    with open_outputs(tmp_path, ["n"], OutputSettings(bom=True), Recovered()) as outputs:
        writer = outputs.writer
        write(
            writer,
            Finished(Outcome(ADA, Status.OK, 1), writer.encode([{"n": "=1+1"}])),
            Rejected(3, "invalid", "=cmd", "is no address"),
        )
    assert (tmp_path / "records.ndjson").read_text() == '{"n":"=1+1"}\n'
    assert (tmp_path / "records.csv").read_bytes() == b"\xef\xbb\xbfn\r\n'=1+1\r\n"
    assert (tmp_path / "rejected.csv").read_text() == "\ufeffrow,reason,why,value\n3,invalid,is no address,'=cmd\n"
    offsets = orjson.loads((tmp_path / "outcomes.ndjson").read_bytes())["offsets"]
    assert offsets == {name: (tmp_path / name).stat().st_size for name in ("records.ndjson", "records.csv")}


def test_only_the_formats_asked_for(tmp_path: Path) -> None:
    settings = OutputSettings(formats=("csv",), raw=True)
    with open_outputs(tmp_path, ["n"], settings, Recovered()) as outputs:
        writer = outputs.writer
        write(writer, Finished(Outcome(ADA, Status.OK, 1), writer.encode([{"n": "=1+1"}])))
    assert (tmp_path / "records.csv").read_bytes() == b"n\r\n=1+1\r\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outcomes.ndjson", "records.csv"]
    assert settings.names() == [
        "records.csv",
        "sorted.csv",
        "outcomes.ndjson",
        "outcomes.csv",
        "changes.ndjson",
        "failed.csv",
        "rejected.csv",
        "samples.ndjson",
    ]


def test_rows_last_before_their_outcome_is_written() -> None:
    done: list[str] = []

    class Noting(MemoryFile):
        def append(self, block: bytes, /) -> int:
            done.append("rows")
            return super().append(block)

        def sync(self) -> None:
            done.append("sync")

    class NotingJournal(MemoryJournal):
        def append(self, entries: Sequence[bytes], /) -> None:
            done.append("outcome")
            super().append(entries)

    writer = Writer([Sink("a", Ndjson(), Noting(), 0)], NotingJournal(), MemoryRejects(), Totals())
    write(writer, Finished(Outcome(ADA, Status.OK, 1), writer.encode([{"n": 1}])))
    assert done == ["rows", "sync", "outcome"]
