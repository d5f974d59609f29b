"""What a task sees of Graph: paths, pages, errors and parallel calls."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bulkmail.graph
from bulkmail.core.odata import page_size
from bulkmail.core.retry import RetryRules
from bulkmail.errors import Defect, GraphError, LinkRefused, OutcomeUnknown, Unreachable
from bulkmail.graph import Graph
from bulkmail.model import Change, Effect, Mailbox, Request, Response
from bulkmail.testing import Scripted, collect, run
from bulkmail.transport.retry import Retrying

BASE = "https://graph.example/v1.0"
ADA = Mailbox("ada@example.com", 2)
HOME = "/users/ada@example.com"


def graph_of(answer: Callable[[Request], Response], mailbox: Mailbox = ADA) -> tuple[Graph, Scripted]:
    service = Scripted(answer)
    return Graph.of(mailbox, service, BASE), service


def always(response: Response) -> tuple[Graph, Scripted]:
    return graph_of(lambda _request: response)


def page(values: list[Any], link: str | None = None) -> Response:
    return Response(200, body={"value": values, **({"@odata.nextLink": link} if link else {})})


def test_each_verb_says_what_it_is() -> None:
    graph, service = always(Response(200, body={"a": 1}))
    change = Change("x", before=1, after=2)

    async def main() -> list[Any]:
        return [
            await graph.get("/x", params={"$top": 5}, headers={"Prefer": "p"}),
            await graph.post("/x", {"b": 1}),
            await graph.post("/x", effect=Effect.KEYED),
            await graph.patch("/x", {}, headers={"If-Match": "e"}, change=change),
            await graph.delete("/x"),
        ]

    assert run(main()) == [{"a": 1}] * 5
    path, key = HOME + "/x", "ada@example.com"
    assert service.requests == [
        Request("GET", path + "?$top=5", key, {"Prefer": "p"}, row=2),
        Request("POST", path, key, body={"b": 1}, effect=Effect.NONE, row=2, content=b'{"b":1}'),
        Request("POST", path, key, effect=Effect.KEYED, row=2),
        Request("PATCH", path, key, {"If-Match": "e"}, {}, Effect.IDEMPOTENT, row=2, change=change, content=b"{}"),
        Request("DELETE", path, key, effect=Effect.IDEMPOTENT, row=2),
    ]
    assert repr(graph) == "<Graph below /users/ada@example.com>"
    assert repr(Graph(service, BASE)) == "<Graph below />"


@given(st.text(min_size=1).filter(lambda key: key not in (".", "..") and not key.startswith("$")))
def test_a_hostile_address_cannot_leave_its_place(address: str) -> None:
    graph, service = always(Response(204))
    mailbox = Mailbox(address, 2)
    run(Graph.of(mailbox, service, BASE).get("/messages"))
    path = service.requests[0].path
    assert [unquote(part) for part in path.split("/")] == ["", "users", address, "messages"]
    assert not set(path) & set("?#\\ \r\n")
    assert graph is not None


def test_an_object_id_is_used_where_it_is_known() -> None:
    graph, service = graph_of(lambda _request: Response(204), Mailbox("ada@example.com", 2, "42"))
    assert run(graph.get("/x")) is None
    assert (service.requests[0].path, service.requests[0].mailbox) == ("/users/42/x", "42")


@pytest.mark.parametrize(
    ("response", "status", "code", "message"),
    [
        (Response(404, body={"error": {"code": "A", "message": "m", "innerError": {"code": "B"}}}), 404, "B", "m"),
        (Response(200, body={"error": {"code": "A", "message": "m"}}), 200, "A", "m"),
        (Response(502, body=b"<html>"), 502, "", "no reason given"),
        (Response(500), 500, "", "no reason given"),
        (
            Response(302, {"location": "https://evil.example"}),
            302,
            "RedirectRefused",
            "redirect, which is not followed",
        ),
        (Response(304), 304, "RedirectRefused", "redirect"),
        (Response(403, body={"error": {"code": "C\x1b[2J", "message": "a\nb"}}), 403, "C [2J", "a b"),
    ],
)
def test_an_error_is_raised_with_what_support_asks_for(
    response: Response, status: int, code: str, message: str
) -> None:
    headers = {"request-id": "r1", "client-request-id": "c\n1"}
    graph, _ = always(Response(response.status, {**response.headers, **headers}, response.body))
    with pytest.raises(GraphError) as raised:
        run(graph.get("/x"))
    error = raised.value
    assert (error.status, error.code, error.request_id, error.client_request_id) == (status, code, "r1", "")
    assert message in error.message


def test_a_resource_that_has_a_property_named_error_is_no_error() -> None:
    body = {"@odata.context": "c", "error": None}
    assert run(always(Response(200, body=body))[0].get("/x")) == body


@pytest.mark.parametrize("error", [Unreachable("u"), OutcomeUnknown("o")])
def test_a_lost_answer_passes_and_a_bug_is_named_as_one(error: Exception) -> None:
    def fail(request: Request) -> Response:
        raise error if "lost" in request.path else KeyError("secret")

    graph, _ = graph_of(fail)
    with pytest.raises(type(error)):
        run(graph.get("/lost"))
    with pytest.raises(Defect, match=r"^KeyError below GET /users/ada@example.com/x$"):
        run(graph.get("/x", params={"$filter": "secret"}))


def walked(answers: list[Response]) -> tuple[list[Any], list[str]]:
    """All items, and the paths that were asked for."""
    script = iter(answers)
    graph, service = graph_of(lambda _request: next(script))
    items = run(collect(graph.items("/messages", params={"$top": 8}, headers={"Prefer": "p"})))
    assert all(request.headers == {"Prefer": "p"} for request in service.requests)
    return items, [request.path for request in service.requests]


@given(st.lists(st.lists(st.integers(), max_size=3), min_size=1, max_size=12))
def test_all_pages_are_walked_empty_ones_too(pages: list[list[int]]) -> None:
    links = [f"{BASE}{HOME}/messages?$skip={number}" for number in range(1, len(pages))]
    items, asked = walked([page(values, link) for values, link in zip(pages, [*links, None], strict=True)])
    assert items == [item for values in pages for item in values]
    assert [BASE + path for path in asked[1:]] == links


@pytest.mark.parametrize("length", range(1, 6))
def test_pages_that_go_in_a_circle_come_to_an_end(length: int) -> None:
    def answer(request: Request) -> Response:
        number = int(request.path.rpartition("=")[2]) if "skip" in request.path else 0
        return page([number], f"{BASE}{HOME}/messages?skip={(number + 1) % length}")

    graph, service = graph_of(answer)
    with pytest.raises(LinkRefused, match="circle"):
        run(collect(graph.pages("/messages")))
    assert len(service.requests) == length + 1


def test_a_link_back_to_the_first_page_is_a_circle() -> None:
    graph, service = always(page([1], f"{BASE}{HOME}/messages"))
    with pytest.raises(LinkRefused, match="circle"):
        run(collect(graph.pages("/messages")))
    assert len(service.requests) == 1


def test_a_walk_without_end_comes_to_one() -> None:
    numbers = iter(range(bulkmail.graph.PAGES + 1))
    graph, service = graph_of(lambda _request: page([], f"{BASE}{HOME}/messages?skip={next(numbers)}"))
    with pytest.raises(LinkRefused, match="more than"):
        run(collect(graph.pages("/messages")))
    assert len(service.requests) == bulkmail.graph.PAGES


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/users/ada@example.com/messages?$skip=1",
        "https://graph.example@evil.example/v1.0/users/ada@example.com/messages",
        "http://graph.example/v1.0/users/ada@example.com/messages",
        "https://graph.example/v1.0/users/eve@example.com/messages",
        "https://graph.example/v1.0/users/ada@example.com/../eve@example.com/messages",
    ],
)
def test_a_foreign_link_is_refused_and_nothing_is_sent(link: str) -> None:
    graph, service = always(page([1], link))
    with pytest.raises(LinkRefused):
        run(collect(graph.pages("/messages")))
    assert len(service.requests) == 1


def test_a_page_that_times_out_is_asked_for_in_halves() -> None:
    slow = Response(504)
    items, asked = walked([slow, slow, page([1], f"{BASE}{HOME}/messages?$top=2&$skip=2"), slow, page([2])])
    assert items == [1, 2]
    assert [path.partition("?")[2] for path in asked] == [
        "$top=8", "$top=4", "$top=2", "$top=2&$skip=2", "$top=1&$skip=2",
    ]  # fmt: skip


def test_a_smaller_page_is_asked_for_in_the_rest_of_the_mailbox() -> None:
    """Whatever its links say, unless they say it in code."""
    first, coded = f"{BASE}{HOME}/messages?$top=8&$skip=4", f"{BASE}{HOME}/messages?$skiptoken=x"
    script = iter([Response(504), page([1], first), page([2], coded), page([3]), page([4]), page([5])])
    graph, service = graph_of(lambda _request: next(script))

    async def main() -> list[Any]:
        items = await collect(graph.items("/messages", params={"$top": 8}))
        items += await collect(graph.items("/contacts"))
        return items + await collect(graph.items("/events", params={"$top": 2}))

    assert run(main()) == [1, 2, 3, 4, 5]
    assert [request.path.removeprefix(HOME) for request in service.requests] == [
        "/messages?$top=8", "/messages?$top=4", "/messages?$top=4&$skip=4", "/messages?$skiptoken=x",
        "/contacts?$top=4", "/events?$top=2",
    ]  # fmt: skip


def test_pages_without_a_size_shrink_from_what_the_service_gives() -> None:
    graph, service = always(Response(504))
    with pytest.raises(GraphError):
        run(collect(graph.pages("/messages")))
    assert [page_size(request.path) for request in service.requests] == [None, 5, 2, 1]
    assert [request.page for request in service.requests] == [True, True, True, False]


def test_a_page_that_is_cut_off_again_and_again_is_asked_for_at_half_its_size() -> None:
    async def answer(request: Request) -> Response:
        tried.append(page_size(request.path))
        if page_size(request.path) == 8:
            raise OutcomeUnknown("cut off")
        return page([1])

    tried: list[int | None] = []

    async def main() -> list[Any]:
        transport = Retrying(Scripted(answer), rules=RetryRules(), report=lambda _event: None)
        return await collect(Graph.of(ADA, transport, BASE).items("/messages", params={"$top": 8}))

    assert run(main()) == [1]
    assert tried == [8, 8, 4]


@pytest.mark.parametrize(("status", "sent"), [(504, 4), (503, 1), (404, 1)])
def test_a_page_that_cannot_be_had_is_an_error(status: int, sent: int) -> None:
    graph, service = always(Response(status))
    with pytest.raises(GraphError):
        run(collect(graph.pages("/messages", params={"$top": 8})))
    assert len(service.requests) == sent


@pytest.mark.parametrize("body", [None, {}, [], b"x", {"value": None}, {"value": {"a": 1}}])
def test_an_answer_without_a_list_is_no_page(body: Any) -> None:
    with pytest.raises(GraphError, match="NotAPage"):
        run(collect(always(Response(200, body=body))[0].pages("/x")))


def test_gather_gives_results_in_order_and_at_the_same_time() -> None:
    flying = most = 0

    async def answer(request: Request) -> Response:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(1 / len(request.path))
        flying -= 1
        return Response(200, body=request.path.rpartition("/")[2])

    graph = Graph.of(ADA, Scripted(answer), BASE)

    async def main() -> list[Any]:
        return await graph.gather(*(graph.get(f"/{'x' * number}") for number in range(1, 6)))

    assert run(main()) == ["x", "xx", "xxx", "xxxx", "xxxxx"]
    assert most == 5


def test_gathering_nothing_gives_nothing() -> None:
    graph, _ = always(Response(204))
    assert run(graph.gather()) == []


def created(*answers: Response | Exception, found: Any = None) -> tuple[Any, list[str]]:
    """What `create` gives when POSTs are answered so, and what was done meanwhile."""
    done: list[str] = []
    coming = iter(answers)

    def answer(request: Request) -> Response:
        done.append(f"{request.method} {request.effect}")
        following = next(coming)
        if isinstance(following, Exception):
            raise following
        return following

    async def find() -> Any:
        done.append("find")
        return found

    graph, _ = graph_of(answer)
    return run(graph.create("/contacts", {}, change=Change("contact:1", after={}), find=find)), done


def test_a_thing_with_a_key_is_made_at_once() -> None:
    assert created(Response(201, body={"id": "1"})) == ({"id": "1"}, ["POST keyed"])


def test_a_lost_answer_is_looked_for_before_anything_is_made_again() -> None:
    assert created(OutcomeUnknown("lost"), found={"id": "2"}) == ({"id": "2"}, ["POST keyed", "find"])
    again = created(OutcomeUnknown("lost"), Response(201, body={"id": "3"}))
    assert again == ({"id": "3"}, ["POST keyed", "find", "POST keyed"])


def test_it_does_not_look_and_make_for_ever() -> None:
    with pytest.raises(OutcomeUnknown, match="third"):
        created(OutcomeUnknown("first"), OutcomeUnknown("second"), OutcomeUnknown("third"))
