"""Parts of a source, by row."""

import pytest

from bulkmail.model import Chunks, Counts, Mailbox, Rejected
from bulkmail.source.remaining import Only, Remaining
from bulkmail.source.rows import Rows
from bulkmail.testing import collect, run
from tests.run.stage import ListSource, mailboxes

CHUNKS: list[list[Mailbox | Rejected]] = [
    [*mailboxes(3, first=2), Rejected(5, "blank", "")],
    mailboxes(2, first=6),
    [Rejected(8, "invalid", "x")],
]


def rows(*numbers: int) -> Rows:
    found = Rows()
    for number in numbers:
        found.add(number)
    return found


def numbers(source: Chunks) -> list[list[int]]:
    return [[row.row for row in chunk] for chunk in run(collect(aiter(source)))]


@pytest.mark.parametrize(
    ("done", "left"),
    [
        ((), [[2, 3, 4, 5], [6, 7], [8]]),
        ((3, 6), [[2, 4, 5], [7], [8]]),
        ((2, 3, 4, 5, 6, 7, 8), [[5], [], [8]]),  # a rejected row has no outcome, and is told again
    ],
)
def test_what_is_left_is_what_is_not_done(done: tuple[int, ...], left: list[list[int]]) -> None:
    source = Remaining(ListSource(CHUNKS), rows(*done))
    assert numbers(source) == left
    assert source.counts == Counts(unique=5, blank=1, invalid=1), "all of the input, done or not"
    assert "ListSource" in repr(source)


def test_only_the_chosen_mailboxes_count() -> None:
    source = Only(ListSource(CHUNKS), rows(3, 5, 7, 8))
    assert numbers(source) == [[3], [7], []]
    assert source.counts == Counts(unique=2)
    assert repr(source).startswith("<Only 2 of ")
    assert (source.name, source.replayable, source.digest(), source.size()) == ("a list", False, None, None)


def test_the_mailboxes_are_those_of_the_source() -> None:
    [chunk] = run(collect(aiter(Only(ListSource([[Mailbox("ada@example.com", 2, "id", {"a": "b"})]]), rows(2)))))
    assert chunk == [Mailbox("ada@example.com", 2, "id", {"a": "b"})]
