"""`sorted.csv` has the rows of `records.csv` in the order of the input, whatever the order was in which they came."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import Damaged
from bulkmail.model import Checkpoint, Mailbox, Outcome, Status
from bulkmail.rundir.entries import Reached, encode_checkpoint, encode_outcome
from bulkmail.rundir.journal import sealed
from bulkmail.rundir.ordered import drop_sorted, write_sorted
from bulkmail.rundir.reader import RunDir

HEADING = b'mailbox,"two\nlines"\r\n'


def run_of(folder: Path, found: list[tuple[int, list[bytes]]], suffix: str, heading: bytes) -> RunDir:
    """The pieces of each row: all but the last are told by checkpoints."""
    name, content, entries = f"records.{suffix}", heading, list[bytes]()
    for row, pieces in found:
        mailbox = Mailbox(f"m{row}@contoso.com", row)
        for number, piece in enumerate(pieces, 1):
            content += piece
            lengths = {name: len(content)}
            if number < len(pieces):
                entries.append(encode_checkpoint(Reached(mailbox, number, Checkpoint(page=number)), lengths))
            else:
                entries.append(encode_outcome(Outcome(mailbox, Status.OK, number), lengths))
    (folder / name).write_bytes(content)
    (folder / "outcomes.ndjson").write_bytes(sealed(entries, 0))
    return RunDir(folder)


@given(
    found=st.permutations(range(2, 9)).flatmap(
        lambda rows: st.tuples(*(
            st.tuples(st.just(row), st.lists(st.binary(max_size=9), min_size=1, max_size=3))
            for row in rows
        ))
    ),
    suffix=st.sampled_from(["csv", "ndjson"]),
)  # fmt: skip
def test_rows_come_in_the_order_of_the_input(found: tuple[tuple[int, list[bytes]], ...], suffix: str) -> None:
    heading = HEADING if suffix == "csv" else b""
    with tempfile.TemporaryDirectory() as name:
        run = run_of(Path(name), list(found), suffix, heading)
        before = (run.path / f"records.{suffix}").read_bytes()
        write_sorted(run, suffix)
        in_order = b"".join(b"".join(pieces) for _, pieces in sorted(found))
        assert (run.path / f"sorted.{suffix}").read_bytes() == heading + in_order
        assert (run.path / f"records.{suffix}").read_bytes() == before


def test_a_file_that_is_too_short_is_damage(tmp_path: Path) -> None:
    run = run_of(tmp_path, [(3, [b"c" * 9]), (2, [b"b" * 9])], "csv", HEADING)
    (tmp_path / "records.csv").write_bytes(HEADING + b"c" * 9)
    with pytest.raises(Damaged, match="shorter"):
        write_sorted(run, "csv")
    assert not (tmp_path / "sorted.csv").exists()


def test_one_of_an_earlier_process_goes(tmp_path: Path) -> None:
    (tmp_path / "sorted.csv").write_text("old")
    drop_sorted(tmp_path, "csv")
    drop_sorted(tmp_path, "csv")
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_rows_has_a_heading_and_nothing_else(tmp_path: Path) -> None:
    """It may be cut off: what was left of it is copied."""
    (tmp_path / "records.csv").write_bytes(b"mailbox,na")
    (tmp_path / "outcomes.ndjson").write_bytes(b"")
    write_sorted(RunDir(tmp_path), "csv")
    assert (tmp_path / "sorted.csv").read_bytes() == b"mailbox,na"


def test_places_that_are_not_in_their_order_are_damage(tmp_path: Path) -> None:
    lengths = [{"records.csv": len(HEADING) + 9}, {"records.csv": len(HEADING) + 3}]
    outcomes = [Outcome(Mailbox(f"m{row}@contoso.com", row), Status.OK, 1) for row in (2, 3)]
    (tmp_path / "records.csv").write_bytes(HEADING + bytes(9))
    (tmp_path / "outcomes.ndjson").write_bytes(sealed(list(map(encode_outcome, outcomes, lengths)), 0))
    with pytest.raises(Damaged, match="not in their order"):
        write_sorted(RunDir(tmp_path), "csv")
