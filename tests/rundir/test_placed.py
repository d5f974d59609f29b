"""Rows are read with the mailbox that they are of, and again by their places, from JSON and from CSV alike."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bulkmail.errors import Damaged
from bulkmail.model import Mailbox, Outcome, Row, Status, Tally
from bulkmail.run.outputs import OutputSettings, open_outputs
from bulkmail.run.writer import Extra, Finished, Part
from bulkmail.rundir.entries import Reached
from bulkmail.rundir.manifest import PinnedOutput
from bulkmail.rundir.placed import Placed, placed_rows
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.recovery import Recovered
from tests.report.folders import NIGHT

ADA, ALAN, GRACE = (Mailbox(f"{name}@contoso.com", row) for row, name in enumerate(("ada", "alan", "grace"), 2))
TEXTS = ("plain", "two\r\nlines, and a comma", '"quoted"', "=formula", "日本語", "")


def rows(mailbox: Mailbox, *texts: str) -> list[Row]:
    return [{"mailbox": mailbox.address, "text": text} for text in texts]


def write(folder: Path, formats: tuple[str, ...], work: Sequence[tuple[Mailbox, Sequence[Row], bool]]) -> RunDir:
    """Each with whether the mailbox is done with it; otherwise it is a checkpoint."""

    async def all_of_it() -> None:
        with open_outputs(folder, ["mailbox", "text"], OutputSettings(formats), Recovered()) as outputs:
            writing = asyncio.create_task(outputs.writer.write())
            for mailbox, found, done in work:
                blocks = outputs.writer.encode(found) if found else [b""] * len(formats)
                outcome = Outcome(mailbox, Status.OK, len(found), Tally(1), 0.1)
                reached = Reached(mailbox, len(found), {"page": 1})
                await outputs.writer.put(Finished(outcome, blocks) if done else Part(reached, blocks, Extra()))
            outputs.writer.close()
            await writing

    asyncio.run(all_of_it())
    replace(NIGHT, output=PinnedOutput(formats)).write(folder)
    return RunDir(folder)


@pytest.mark.parametrize("formats", [("ndjson", "csv"), ("csv",)])
def test_rows_and_outcomes_in_their_order_and_rows_again_by_their_places(
    tmp_path: Path, formats: tuple[str, ...]
) -> None:
    work = [(ADA, rows(ADA, *TEXTS), True), (ALAN, [], True), (GRACE, rows(GRACE, "x"), True)]
    with placed_rows(write(tmp_path, formats, work)) as file:
        assert file is not None
        assert str(tmp_path) in repr(file)
        pieces = list(file.pieces())
        placed = [piece for piece in pieces if isinstance(piece, Placed)]
        assert [(one.mailbox.address, one.row["text"]) for one in placed] == [
            *((ADA.address, text) for text in TEXTS), (GRACE.address, "x"),
        ]  # fmt: skip
        outcomes = [piece.mailbox.address for piece in pieces if isinstance(piece, Outcome)]
        assert outcomes == [ADA.address, ALAN.address, GRACE.address]
        assert [file.at(one.place) for one in reversed(placed)] == [one.row for one in reversed(placed)]


def test_rows_between_checkpoints_are_of_the_mailbox_that_they_belong_to(tmp_path: Path) -> None:
    work = [
        (ADA, rows(ADA, "1"), False), (ALAN, rows(ALAN, "2"), False), (ADA, rows(ADA, "3"), True),
        (ALAN, rows(ALAN, "4"), True),
    ]  # fmt: skip
    with placed_rows(write(tmp_path, ("ndjson",), work)) as file:
        assert file is not None
        placed = [piece for piece in file.pieces() if isinstance(piece, Placed)]
    assert [(one.mailbox.address[:4], one.row["text"]) for one in placed] == [
        ("ada@", "1"), ("alan", "2"), ("ada@", "3"), ("alan", "4"),
    ]  # fmt: skip


def test_what_was_not_committed_is_not_read(tmp_path: Path) -> None:
    run = write(tmp_path, ("ndjson",), [(ADA, rows(ADA, "x"), True)])
    with (tmp_path / "records.ndjson").open("ab") as file:
        file.write(b'{"mailbox":"torn')
    with placed_rows(run) as placed:
        assert placed is not None
        assert len(list(placed.pieces())) == 2


@pytest.mark.parametrize("left", [0, 10])
def test_a_file_that_is_too_short_is_damage(tmp_path: Path, left: int) -> None:
    run = write(tmp_path, ("ndjson",), [(ADA, rows(ADA, "x"), True)])
    file = tmp_path / "records.ndjson"
    file.write_bytes(file.read_bytes()[:left])
    with placed_rows(run) as placed:
        assert placed is not None
        with pytest.raises(Damaged):
            list(placed.pieces())
        with pytest.raises(Damaged):
            placed.at(0)


def test_a_run_without_a_file_of_rows(tmp_path: Path) -> None:
    NIGHT.write(tmp_path)
    with placed_rows(RunDir(tmp_path)) as file:
        assert file is None
