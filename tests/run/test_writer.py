"""The writer: rows before their outcome, and an outcome that says how far the rows reach."""

import asyncio
from pathlib import Path

import orjson
import pytest

from bulkmail.errors import OutputError
from bulkmail.model import Mailbox, Outcome, Problem, Rejected, Status, Tally
from bulkmail.run.outputs import OutputSettings, open_outputs
from bulkmail.run.sink import Csv, Ndjson
from bulkmail.run.totals import Totals
from bulkmail.run.writer import Finished, Sink, Writer, line
from bulkmail.testing import run
from tests.run.stage import MemoryFile, MemoryRejects

ADA = Mailbox("ada@example.com", 2)


def write(writer: Writer, *items: Finished | Rejected) -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(writer.write())
            for item in items:
                await writer.put(item)
            await writer.close()

    run(main())


def test_offsets_are_the_lengths_after_each_mailbox() -> None:
    records, table, outcomes, totals = MemoryFile(), MemoryFile(), MemoryFile(), Totals()
    sinks = [Sink("a", Ndjson(), records, 0), Sink("b", Csv(["n"]), table, 3)]
    writer = Writer(sinks, outcomes, MemoryRejects(), totals)
    finished = [
        Finished(Outcome(Mailbox(f"{n}@example.com", n), Status.OK, n), writer.encode([{"n": n}] * n))
        for n in range(600)
    ]
    write(writer, *finished)
    lengths = [0, 3]
    for item, entry in zip(finished, outcomes.lines(), strict=True):
        lengths = [length + len(block) for length, block in zip(lengths, item.blocks, strict=True)]
        assert entry["offsets"] == dict(zip("ab", lengths, strict=True))
    assert lengths == [len(records.content), len(table.content) + 3]
    assert totals.done == 600
    assert totals.rows == sum(range(600))


def test_a_line_has_all_that_is_known() -> None:
    problem = Problem("Code", "text", 500, "r", "c")
    mailbox = Mailbox("ada@example.com", 7, "id-1")
    assert orjson.loads(line(Outcome(mailbox, Status.FAILED, 1, Tally(2, 3, 0.12345), 1.23456, problem), {"f": 9})) == {
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


def test_a_text_that_is_no_unicode_does_not_end_the_run() -> None:
    outcome = Outcome(ADA, Status.FAILED, problem=Problem("\udcff", "lone \ud800"))
    assert orjson.loads(line(outcome, {}))["error"]["code"] == "\\udcff"


def test_a_failing_file_is_told_once_and_nothing_more_is_written() -> None:
    outcomes, rejects = MemoryFile(), MemoryRejects()
    writer = Writer([Sink("a", Ndjson(), MemoryFile(largest=10), 0)], outcomes, rejects, Totals())
    rows = writer.encode([{"n": "longer than ten bytes"}])
    with pytest.raises(ExceptionGroup) as caught:
        write(writer, Finished(Outcome(ADA, Status.OK, 1), rows), Rejected(3, "blank", ""))
    assert caught.group_contains(OutputError)
    assert outcomes.content == b""
    assert rejects.rows == []


def test_the_files_of_a_run(tmp_path: Path) -> None:
    with open_outputs(tmp_path, ["n"], OutputSettings(bom=True), Totals()) as writer:
        write(
            writer,
            Finished(Outcome(ADA, Status.OK, 1), writer.encode([{"n": "=1+1"}])),
            Rejected(3, "invalid", "=cmd", "is no address"),
        )
    assert (tmp_path / "records.ndjson").read_text() == '{"n":"=1+1"}\n'
    assert (tmp_path / "records.csv").read_bytes() == b"\xef\xbb\xbfn\r\n'=1+1\r\n"
    assert (tmp_path / "rejected.csv").read_text() == "row,reason,why,value\n3,invalid,is no address,'=cmd\n"
    offsets = orjson.loads((tmp_path / "outcomes.ndjson").read_bytes())["offsets"]
    assert offsets == {name: (tmp_path / name).stat().st_size for name in ("records.ndjson", "records.csv")}


def test_only_the_formats_asked_for(tmp_path: Path) -> None:
    settings = OutputSettings(formats=("csv",), raw=True)
    with open_outputs(tmp_path, ["n"], settings, Totals()) as writer:
        write(writer, Finished(Outcome(ADA, Status.OK, 1), writer.encode([{"n": "=1+1"}])))
    assert (tmp_path / "records.csv").read_bytes() == b"n\r\n=1+1\r\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outcomes.ndjson", "records.csv"]
    assert settings.names() == ["records.csv", "outcomes.ndjson", "failed.csv", "rejected.csv"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "records.csv").write_text("mine")
    with pytest.raises(OutputError, match=r"records\.csv"), open_outputs(tmp_path, ["n"], OutputSettings(), Totals()):
        pass
    assert (tmp_path / "records.csv").read_text() == "mine"
