"""The order of need, out of the file that mailboxes lie in."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import Damaged
from bulkmail.model import Counts, Mailbox, Rejected
from bulkmail.source.chunks import CHUNK
from bulkmail.source.rows import Rows
from bulkmail.source.spool import SpooledSource, spool
from bulkmail.source.stalest import AGAIN, Last, Stalest, interleaved
from bulkmail.testing import collect, run
from tests.run.stage import ListSource, mailboxes

ALL: list[Mailbox | Rejected] = [*mailboxes(5), Rejected(7, "blank", ""), *mailboxes(CHUNK, first=8)]


def tried(rows: Sequence[Mailbox]) -> list[Last]:
    """The higher the row, the longer ago; row 3 never was."""
    return [Last(float("-inf") if row.row == 3 else -row.row) for row in rows]


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


def test_all_that_is_done_counts_for_the_limit_however_many_failed_elsewhere(kept: SpooledSource) -> None:
    """Else the places of those that failed would be given once more, and the run would go past its limit."""
    done, limit = Rows(), 2 * AGAIN
    for row in range(8, 8 + limit - 1):
        done.add(row)
    source = Stalest(kept, kept, lambda rows: [Last(row.row, row.row < 8) for row in rows], done=done, limit=limit)
    assert [row for row in read(source) if row not in done] == [2]
    assert source.counts.unique == limit


def test_what_was_begun_is_brought_to_an_end_within_the_limit(kept: SpooledSource) -> None:
    """Else one that failed earlier would lose the place that it was begun in, for good."""
    again, done = 5, Rows()

    def last(rows: Sequence[Mailbox]) -> list[Last]:
        return [Last(-row.row, row.row == again) for row in rows]

    first = read(Stalest(kept, kept, last, limit=AGAIN))
    assert first[-1] == again
    for row in first[:-1]:
        done.add(row)
    source = Stalest(kept, kept, last, done=done, begun={again}, limit=AGAIN)
    assert [row for row in read(source) if row not in done] == [again]


def test_equals_stay_in_the_order_of_the_list(kept: SpooledSource) -> None:
    assert read(Stalest(kept, kept, lambda rows: [Last(0.0)] * len(rows)))[:4] == [2, 3, 4, 5]


def test_a_file_that_is_damaged_is_told(kept: SpooledSource) -> None:
    kept.path.write_bytes(b"{}\n")
    with pytest.raises(Damaged, match="line 1"):
        kept.at([2])


def test_every_twelfth_place_is_for_one_that_failed_the_longest_ago_first(kept: SpooledSource) -> None:
    failed = {5: -1.0, 6: -2.0}
    source = Stalest(kept, kept, lambda rows: [Last(failed.get(row.row, -9.0), row.row in failed) for row in rows])
    order = read(source)
    assert (order[AGAIN - 1], order[2 * AGAIN - 1]) == (6, 5)
    assert [row for row in order if row not in failed] == sorted(set(order) - set(failed))


@given(number=st.integers(0, 60), data=st.data())
def test_each_comes_once_and_few_come_out_of_turn(number: int, data: st.DataObject) -> None:
    in_turn = data.draw(st.permutations(range(number)))
    again = data.draw(st.lists(st.sampled_from(in_turn), unique=True)) if number else []
    order = interleaved(in_turn, again)
    assert sorted(order) == list(range(number))
    for box in range(number):
        turns = next((place for place, one in enumerate(in_turn) if one not in order[:box]), number)
        assert turns >= box - box // AGAIN
