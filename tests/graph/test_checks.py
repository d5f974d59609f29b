"""Whatever a task asks for: either nothing leaves, or a request that can be nothing but one below its mailbox."""

import re
from collections.abc import Callable, Coroutine, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bulkmail.core.batch import pack
from bulkmail.errors import TaskMistake
from bulkmail.graph import Graph
from bulkmail.graph.checks import NOT_A_TASKS
from bulkmail.model import Change, Mailbox, Request, Response
from bulkmail.testing import Scripted, collect, run

BASE = "https://graph.example/v1.0"
HOME = "/users/ada@example.com"
CHANGE = Change("x", after=1)


def asked(ask: Callable[[Graph], Coroutine[Any, Any, Any]]) -> Request:
    """The request that leaves. Raises what the task would hear."""
    service = Scripted(lambda _: Response(204))
    try:
        run(ask(Graph.of(Mailbox("ada@example.com", 2), service, BASE)))
    except TaskMistake:
        assert service.requests == []
        raise
    (request,) = service.requests
    return request


@pytest.mark.parametrize(
    "path",
    [
        "/../bob@x/messages", "/..", "/.", "/messages/../../bob@x", "/a/..;x/b", "/a/..;/b", "/%2e%2e/bob", "/.%2E/bob",
        "/x%2f..%2fbob", "/x%5c..%5cbob", "/%252e%252e/bob", "/%25252e./bob", "/a/..?x=1", "/a/.#b",
        "messages", "x/../bob", "bob@x/messages", "(x)", "@evil.example/x", ".evil.example", ":80/x",
        "/%25252525252525252525/bob",
        "/a b", "/a\tb", "/a\r\nHost: evil", "/a\nb", "/a\x00b", "/a\x7fb", "/a%0d%0aHost:evil", "/a%00", "/a%1fb",
        "/a\\..\\bob", "/a\\b", "/a#b", "/a%", "/a%2", "/a%zz", "/a%ff", "/%c0%ae%c0%ae/bob",
        "/é", "/\u202ex", "/\ud800", "/a{b}", "/a|b", '/a"b', "/a<b>", "/a^b", "/a`b", "/a[b]",
        "/messages?$filter=a eq b", "/messages?$search=\"x\"", "/x?y=\n",
    ],
)  # fmt: skip
def test_a_path_that_may_not_leave(path: str) -> None:
    with pytest.raises(TaskMistake, match="the path of the request cannot be sent"):
        asked(lambda graph: graph.get(path))
    with pytest.raises(TaskMistake):
        asked(lambda graph: graph.post(path, {"a": 1}, change=CHANGE))


def test_the_pages_of_such_a_path() -> None:
    service = Scripted(lambda _: Response(204))
    graph = Graph.of(Mailbox("ada@example.com", 2), service, BASE)
    with pytest.raises(TaskMistake):
        run(collect(graph.pages("/../bob@x/messages")))
    assert service.requests == []


@pytest.mark.parametrize(
    "path",
    [
        "", "?$select=id", "/", "/messages", "/mailFolders('inbox')/messages",
        "/calendarView?startDateTime=2026-01-01T00:00:00Z",
        "/messages/AAMk=/$value", "/photos/48x48/$value", "/a.b/c..d/...", "/x%2Fy", "/x%20y", "/a%C3%A9",
        "/messages?$filter=a%20eq%20'b..c'&x=/../y", "/messages/delta(a=1)", "/x;y=1", "/~a!$&'()*+,;=:@_-",
    ],
)  # fmt: skip
def test_a_path_that_may(path: str) -> None:
    assert asked(lambda graph: graph.get(path)).path == HOME + path


def segments_below_home(path: str) -> list[str]:
    """What a server makes of a path, if it decodes it as often as it can and takes both slashes for one."""
    line = path.partition("?")[0]
    for _ in range(20):
        line = unquote(line)
    assert not re.search(r"[\x00-\x20\x7f]", unquote(path.partition("?")[0]).replace(" ", ""))
    parts: list[str] = []
    for part in re.split(r"[/\\]", line)[1:]:
        name = part.partition(";")[0]
        if name == "..":
            parts.pop()
        elif name != ".":
            parts.append(part)
    return parts


HOSTILE = st.text(st.sampled_from("/\\.%25eEfFcC;?#&= \r\n\t\x00{}'()@:é\u202e\ud800ab") | st.characters(), max_size=12)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()) | st.floats() | st.binary() | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
    max_leaves=5,
)


@given(
    path=st.one_of(HOSTILE, HOSTILE.map("/{}/".__add__), HOSTILE.map("/x/{}/y?".__add__)),
    values=st.lists(HOSTILE, max_size=2),
    params=st.dictionaries(HOSTILE, HOSTILE | st.integers() | st.none() | st.booleans(), max_size=2),
    headers=st.dictionaries(
        st.sampled_from(["If-Match", "Host", "authorization", "X-A"]) | HOSTILE, HOSTILE, max_size=2
    ),
    body=JSON,
    after=JSON,
)
@example(path="/{}", values=["a/../../bob@x"], params={}, headers={}, body=None, after=None)
@example(path="/{}/..", values=["a"], params={}, headers={}, body=None, after=None)
@example(path="/x", values=[], params={"$filter": "\ud800"}, headers={}, body=None, after=None)
@example(path="/x", values=[], params={}, headers={"If-Match": 'W/"a"'}, body={"a": [1, "é"]}, after={"a": 1})
def test_whatever_a_task_asks_for(
    path: str, values: list[str], params: dict[str, Any], headers: dict[str, str], body: Any, after: Any
) -> None:
    """Plain and as a part of a batch: nothing leaves, or the request line stays below the mailbox."""
    for ask in (
        lambda graph: graph.get(path, *values, params=params, headers=headers),
        lambda graph: graph.post(path, body, *values, change=Change("x", None, after), headers=headers),
    ):
        try:
            request = asked(ask)
        except TaskMistake:
            continue
        assert re.fullmatch(r"[!-~]+", request.path)
        assert not set(request.path) & set('#\\"<>')
        assert segments_below_home(request.path)[:2] == ["users", "ada@example.com"]
        assert not {name.lower() for name in request.headers} & NOT_A_TASKS
        assert all(re.fullmatch(r"[\t -~]*", name + value) for name, value in request.headers.items())
        if not isinstance(request.body, bytes):
            (part,) = orjson.loads(pack([request])[0])["requests"]
            assert part["url"] == request.path
            assert part.get("body") == (None if request.content is None else orjson.loads(request.content))


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_an_id_that_is_none(name: str) -> None:
    """An empty id would make a list of an item, and delete it."""
    with pytest.raises(TaskMistake, match="not a name"):
        asked(lambda graph: graph.delete("/messages/{}", name, change=CHANGE))


def test_ids_are_quoted() -> None:
    path = asked(lambda graph: graph.get("/contactFolders/{}/contacts/{}", "a/b?c", "d e'#%", params={"$top": 1})).path
    assert path == HOME + "/contactFolders/a%2Fb%3Fc/contacts/d%20e%27%23%25?$top=1"
    assert asked(lambda graph: graph.post("/messages/{}/send", None, "x/y")).path == HOME + "/messages/x%2Fy/send"
    assert asked(lambda graph: graph.patch("/messages/{}", {}, "x/y")).path == HOME + "/messages/x%2Fy"
    assert asked(lambda graph: graph.put("/messages/{}", {}, "x/y")).path == HOME + "/messages/x%2Fy"
    assert asked(lambda graph: graph.delete("/messages/{}", "x/y")).path == HOME + "/messages/x%2Fy"
    assert asked(lambda graph: graph.raw("/messages/{}/$value", "x/y")).path == HOME + "/messages/x%2Fy/$value"


@pytest.mark.parametrize(("path", "values"), [("/a/{}", []), ("/a", ["b"]), ("/{}/{}", ["b"]), ("/{}", ["b", "c"])])
def test_as_many_ids_as_the_path_has_places(path: str, values: list[str]) -> None:
    with pytest.raises(TaskMistake):
        asked(lambda graph: graph.get(path, *values))


@pytest.mark.parametrize("value", [None, True, 1.5, b"x", ["a"]])
def test_a_query_option_is_a_text_or_a_whole_number(value: Any) -> None:
    with pytest.raises(TaskMistake, match=r"\$top"):
        asked(lambda graph: graph.get("/x", params={"$top": value}))


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer x"}, {"HOST": "evil.example"}, {"Content-Length": "5"},
        {"Transfer-Encoding": "chunked"},
        {"X-HTTP-Method-Override": "DELETE"}, {"Cookie": "a"}, {"client-request-id": "x"},
        {"If-Match": "a\r\nHost: evil"}, {"If-Match": "a\nb"}, {"If-Match": "a\x00"}, {"If-Match": "é"},
        {"If-Match": " a"}, {"If-Match": "a\r"}, {"a b": "c"}, {"a:b": "c"}, {"": "c"}, {"a\r\nb": "c"},
        {"If-Match": 5}, {5: "x"}, {"If-Match": None},
    ],
)  # fmt: skip
def test_a_header_that_is_not_a_tasks_to_set(headers: Mapping[str, str]) -> None:
    with pytest.raises(TaskMistake, match="header"):
        asked(lambda graph: graph.patch("/x", {}, headers=headers))
    with pytest.raises(TaskMistake, match="header"):
        asked(lambda graph: graph.get("/x", headers=headers))


def circle() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


@pytest.mark.parametrize(
    "body",
    [Decimal(1), {1, 2}, "\ud800", {1: 2}, {"a": object()}, 1 << 70, circle()],
    ids=["decimal", "set", "surrogate", "number as key", "object", "too large", "circle"],
)
def test_a_body_that_is_not_json(body: Any) -> None:
    with pytest.raises(TaskMistake, match="the body of the request is not JSON"):
        asked(lambda graph: graph.post("/x", body, change=CHANGE))
    with pytest.raises(TaskMistake, match="the change of the request is not JSON"):
        asked(lambda graph: graph.post("/x", {}, change=Change("x", after=body)))


@pytest.mark.parametrize("change", [("x", 1, 2), {"key": "x"}, "x", Change(None, after=1), Change(5)])  # type: ignore[arg-type]
def test_a_change_that_is_none(change: Any) -> None:
    with pytest.raises(TaskMistake, match="not a Change"):
        asked(lambda graph: graph.delete("/x", change=change))


def test_a_body_is_what_it_was_when_it_was_sent() -> None:
    body = {"a": [1]}
    request = asked(lambda graph: graph.post("/x", body, change=CHANGE))
    body["a"].append(2)
    assert request.content == b'{"a":[1]}'


def test_bytes_leave_as_they_are_and_are_told_by_their_number() -> None:
    headers = {"Content-Type": "text/plain"}
    request = asked(lambda graph: graph.put("/messages/{}/$value", b"\xff\x00", "x", headers=headers))
    assert (request.method, request.content, request.headers) == ("PUT", b"\xff\x00", headers)
    assert request.change == Change("content", after={"bytes": 2})


@pytest.mark.timeout(120)
@pytest.mark.parametrize("piece", ["%25", "%2525", "/.", "%", "/%2e", ";", "%ff"])
def test_a_hostile_path_costs_a_few_passes(piece: str) -> None:
    try:
        asked(lambda graph: graph.get("/" + piece * 300_000))
    except TaskMistake:
        return
    assert piece in ("%25", "%2525", ";")
