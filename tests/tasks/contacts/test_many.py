"""A folder with far more contacts than any person has is worked on page by page, or left alone."""

import tracemalloc
from collections.abc import Callable

import pytest

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Request, Response
from bulkmail.tasks.contacts.book import MARK, Book
from bulkmail.tasks.kit.keyed import EXTENDED
from bulkmail.testing import Scripted, run
from tests.tasks.rig import ADA, BASE

PAGES, SIZE = 60, 250
NOTES = "n" * 2_000


def folder(key: Callable[[int], str], pages: int = PAGES) -> Book:
    """A folder of so many pages; the contact with this number has `key(number)`, or none if that is empty."""

    def answer(request: Request) -> Response:
        page = int(request.path.partition("$skip=")[2] or 0) // SIZE
        numbers = range(page * SIZE, (page + 1) * SIZE)
        items = [
            {
                "id": f"c{number}", "personalNotes": NOTES + str(number),
                **({EXTENDED: [{"id": MARK.id, "value": key(number)}]} if key(number) else {}),
            }
            for number in numbers
        ]  # fmt: skip
        body: dict[str, object] = {"value": items}
        if page + 1 < pages:
            path = request.path.partition("?")[0]
            body["@odata.nextLink"] = f"{BASE}{path}?$skip={(page + 1) * SIZE}"
        return Response(200, body=body)

    return Book(Graph.of(ADA, Scripted(answer), BASE), "f")


def test_contacts_of_others_are_counted_and_not_kept() -> None:
    tracemalloc.start()
    try:
        held = run(folder(lambda number: f"k{number}" if number % 1000 == 0 else "").contacts())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [contact.key for contact in held.ours] == [f"k{number}" for number in range(0, PAGES * SIZE, 1000)]
    assert held.others == PAGES * SIZE - len(held.ours)
    assert peak < 10 << 20, "all of them are 40 MB"


def test_those_that_are_not_asked_for_are_others() -> None:
    held = run(folder(lambda number: f"K{number}", pages=2).contacts(among={"k7", "k300", "k9999"}))
    assert [contact.key for contact in held.ours] == ["K7", "K300"]
    assert held.others == 2 * SIZE - 2


def test_more_of_ours_than_there_can_be_are_left_alone() -> None:
    with pytest.raises(GraphError, match="more than 700 contacts in the folder carry a key of ours") as raised:
        run(folder(lambda number: f"k{number}").contacts(700))
    assert raised.value.code == "TooManyContacts"
    assert len(run(folder(lambda number: f"k{number}", pages=2).contacts(500)).ours) == 500
