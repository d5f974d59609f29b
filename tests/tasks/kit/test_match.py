"""An item that others change is read again before it is written again, and only what still differs is written."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Effect, Mailbox, Request, Response
from bulkmail.tasks.kit.match import TRIES, remove, update
from bulkmail.testing import Scripted, run

ADA = Mailbox("ada@example.com", 2)
WANTED = {"a": 1, "b": 2}


class Item(NamedTuple):
    etag: str
    props: Mapping[str, int]


def differing(item: Item) -> dict[str, int]:
    return {name: value for name, value in WANTED.items() if item.props.get(name) != value}


def change(item: Item, body: Mapping[str, Any]) -> Change:
    return Change("x", {name: item.props.get(name) for name in body}, dict(body))


def updated(first: Item, *others: Item) -> list[Request]:
    """The writes that it took, when the item has become each of `others` before the write that follows."""
    now = [first]
    coming = iter(others)

    def answer(request: Request) -> Response:
        following = next(coming, None)
        if following is not None:
            now[0] = following
        return Response(200 if request.headers["If-Match"] in (now[0].etag, "*") else 412)

    async def read() -> Item:
        return now[0]

    service = Scripted(answer)
    graph = Graph.of(ADA, service, "https://graph.example/v1.0")
    run(update(graph, "/x", first, differing=differing, change=change, read=read))
    return service.requests


def test_nothing_is_written_where_nothing_differs() -> None:
    assert updated(Item("1", WANTED)) == []


def test_an_item_without_a_version_is_written_all_the_same() -> None:
    (request,) = updated(Item("", {}))
    assert (request.headers["If-Match"], request.effect) == ("*", Effect.VERIFIED)


def test_after_a_conflict_only_what_still_differs() -> None:
    first, second = updated(Item("1", {"a": 0}), Item("2", {"a": 1}))
    assert (first.change, second.change) == (
        Change("x", {"a": 0, "b": None}, WANTED),
        Change("x", {"b": None}, {"b": 2}),
    )
    assert second.headers["If-Match"] == "2"


def test_nothing_more_where_another_has_done_it() -> None:
    assert len(updated(Item("1", {}), Item("2", WANTED))) == 1


def test_it_is_not_tried_for_ever() -> None:
    with pytest.raises(GraphError, match="412"):
        updated(Item("1", {}), *(Item(str(number), {}) for number in range(2, 9)))
    assert TRIES == 3


@pytest.mark.parametrize(
    ("status", "code", "passes"),
    [(204, "", True), (404, "ErrorItemNotFound", True), (404, "ResourceNotFound", False), (403, "", False)],
)
def test_what_is_gone_already_needs_no_deleting(status: int, code: str, passes: bool) -> None:
    service = Scripted(lambda _: Response(status, body={"error": {"code": code}} if code else None))
    removing = remove(Graph.of(ADA, service, "https://graph.example/v1.0"), "/x", Change("x", 1))
    if passes:
        run(removing)
    else:
        with pytest.raises(GraphError):
            run(removing)
