"""Rows that became no mailbox are kept, safe to look at, and only if there are any."""

from pathlib import Path

import pytest

from bulkmail.errors import OutputError
from bulkmail.model import Rejected
from bulkmail.rundir.rejected import RejectedRows


def test_nothing_to_keep(tmp_path: Path) -> None:
    RejectedRows(tmp_path / "rejected.csv").close()
    assert list(tmp_path.iterdir()) == []


def test_rows_are_kept_with_one_heading(tmp_path: Path) -> None:
    rejected = RejectedRows(tmp_path / "rejected.csv")
    rejected.append([Rejected(2, "blank", "")])
    rejected.append([Rejected(3, "invalid", '=HYPERLINK("x")\x1b[2J', "is no address")])
    rejected.close()
    assert (tmp_path / "rejected.csv").read_text() == (
        'row,reason,why,value\n2,blank,,\n3,invalid,is no address,"\'=HYPERLINK(""x"")\ufffd[2J"\n'
    )


def test_a_run_that_goes_on_begins_it_anew(tmp_path: Path) -> None:
    (tmp_path / "rejected.csv").write_text("row,reason,why,value\n1,bl")
    rejected = RejectedRows(tmp_path / "rejected.csv")
    rejected.append([Rejected(2, "blank", "")])
    rejected.close()
    assert (tmp_path / "rejected.csv").read_text() == "row,reason,why,value\n2,blank,,\n"


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "rejected.csv").mkdir()
    with pytest.raises(OutputError):
        RejectedRows(tmp_path / "rejected.csv").append([Rejected(2, "blank", "")])
