"""The order of need, out of the file that mailboxes lie in."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bulkmail.errors import Damaged
from bulkmail.model import Counts, Mailbox, Rejected
from bulkmail.source.chunks import CHUNK
from bulkmail.source.rows import Rows
from bulkmail.source.spool import SpooledSource, spool
from bulkmail.source.stalest import Stalest
from bulkmail.testing import collect, run
from tests.run.stage import ListSource, mailboxes

ALL: list[Mailbox | Rejected] = [*mailboxes(5), Rejected(7, "blank", ""), *mailboxes(CHUNK, first=8)]


def tried(rows: Sequence[Mailbox]) -> list[float]:
    """The higher the row, the longer ago; row 3 never was."""
    return [float("-inf") if row.row == 3 else -row.row for row in rows]


@pytest.fixture
def kept(tmp_path: Path) -> SpooledSource:
    run(spool(ListSource([ALL[:100], ALL[100:]]), tmp_path / "kept"))
    return SpooledSource(tmp_path / "kept")


def read(source: Stalest) -> list[int]:
    return [row.row for chunk in run(collect(aiter(source))) for row in chunk if isinstance(row, Mailbox)]


def test_the_never_tried_come_first_and_then_the_longest_ago(kept: SpooledSource) -> None:
    source = Stalest(kept, kept, tried)
    rows = [row.row for row in ALL if isinstance(row, Mailbox)]
    assert read(source) == [3, *(row for row in reversed(rows) if row != 3)]
    assert source.counts == Counts(unique=5 + CHUNK, blank=1)
    assert (source.size(), source.digest(), source.name) == (kept.size(), kept.digest(), kept.name)


def test_a_limit_takes_the_stalest_and_counts_the_others(kept: SpooledSource) -> None:
    source = Stalest(kept, kept, tried, limit=2)
    assert read(source) == [3, CHUNK + 7]
    assert source.counts == Counts(unique=2, blank=1, beyond=CHUNK + 3)


def test_a_run_that_goes_on_counts_what_is_done_for_its_limit(kept: SpooledSource) -> None:
    done = Rows()
    done.add(2)
    assert read(Stalest(kept, kept, tried, done=done, limit=2)) == [2, 3]


def test_equals_stay_in_the_order_of_the_list(kept: SpooledSource) -> None:
    assert read(Stalest(kept, kept, lambda rows: [0.0] * len(rows)))[:4] == [2, 3, 4, 5]


def test_a_file_that_is_damaged_is_told(kept: SpooledSource) -> None:
    kept.path.write_bytes(b"{}\n")
    with pytest.raises(Damaged, match="line 1"):
        kept.at([2])
