"""What a disk refuses to give back ends a run like what it refuses to take: with the file's name, and no traceback."""

from pathlib import Path

import pytest

from bulkmail.errors import OutputError
from bulkmail.rundir.digests import digests
from bulkmail.rundir.journal import read


def test_a_journal_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "outcomes.ndjson").mkdir()
    with pytest.raises(OutputError, match=r"outcomes\.ndjson: is a directory"):
        list(read(tmp_path / "outcomes.ndjson"))


def test_results_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "records.csv").mkdir()
    with pytest.raises(OutputError, match=r"records\.csv: is a directory"):
        digests(tmp_path, ["records.csv"])
