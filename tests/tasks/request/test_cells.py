"""No cell changes what is asked for: whatever a list holds, a path stays in its mailbox, and a text stays a text."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.odata import DEPTH
from bulkmail.errors import InputError, TaskMistake
from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Request, Response
from bulkmail.tasks import check_options
from bulkmail.tasks.request import cells
from bulkmail.tasks.request.send import request
from bulkmail.testing import Scripted, collect, run

HOSTILE = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.sampled_from(
            [
                "..",
                ".",
                "/",
                "\\",
                "%2e",
                "%2f",
                "%252e",
                "?",
                "#",
                "'",
                '"',
                ")",
                "(",
                ";",
                "x",
                "@",
                " ",
                "\r\n",
                "é",
                "$",
            ]
        ),
        max_size=8,
    ).map("".join),
)
TEMPLATES = (
    "/people/{A}", "/calendars/{A}/events/{B}", "/messages/{A}/attachments/{B}/$value", "/f(name='{A}',other='{B}')",
    "/x-{A}", "/.{A}/{B}", "/{A}", "/{A}{B}", "/mailFolders('{A}')/messages('{B}')",
)  # fmt: skip


def mailbox(**columns: str) -> Mailbox:
    return Mailbox("ada@contoso.example", 2, columns=columns)


def decodings(path: str) -> list[str]:
    """A path as programs along the way may read it, which decode it once, twice or more."""
    seen = [path]
    for _ in range(DEPTH):
        seen.append(unquote(seen[-1], errors="replace"))
    return seen


@given(st.sampled_from(TEMPLATES), HOSTILE, HOSTILE)
def test_a_path_never_leaves_its_mailbox(template: str, first: str, second: str) -> None:
    sent: list[str] = []

    def answer(one: Request) -> Response:
        sent.append(one.path)
        return Response(200, body={})

    graph = Graph.of(mailbox(), Scripted(answer), "x")
    options = check_options(request, {"path": template})
    try:
        run(collect(request.run(mailbox(A=first, B=second), graph, options)))
    except InputError:
        assert not sent
        return
    (path,) = sent
    parts = path.split("/")
    assert parts[:3] == ["", "users", "ada@contoso.example"]
    assert len(parts) == 2 + template.count("/") + 1, "a cell made a segment of its own, or took one away"
    assert not any(segment.partition(";")[0] in (".", "..") for one in decodings(path) for segment in one.split("/"))
    assert urlsplit(f"https://graph.example{path}").path == path
    assert path.isascii()
    assert path.isprintable()


@given(HOSTILE)
def test_a_cell_between_apostrophes_is_one_text(cell: str) -> None:
    try:
        path = cells.path("/messages", mailbox(A=cell), {"$filter": "from eq '{A}' and x eq 1"})
    except InputError:
        with pytest.raises(UnicodeEncodeError):
            cell.encode()
        return
    (option,) = parse_qs(urlsplit(path).query, keep_blank_values=True, strict_parsing=True)["$filter"]
    inside = option.removeprefix("from eq '").removesuffix("' and x eq 1")
    assert inside.replace("''", "'") == cell
    assert "'" not in inside.replace("''", "")


@given(HOSTILE)
def test_a_cell_elsewhere_in_a_query_option_is_no_condition(cell: str) -> None:
    try:
        path = cells.path("/messages", mailbox(A=cell), {"$filter": "size gt {A}", "$top": 5})
    except InputError:
        assert not (cell.isascii() and cell.isalnum())
        return
    (option,) = parse_qs(urlsplit(path).query, keep_blank_values=True)["$filter"]
    assert option == f"size gt {cell}"
    assert not set(cell) & set(" '\"()&=/,$")


@given(HOSTILE)
def test_a_cell_between_quotation_marks_does_not_end_them(cell: str) -> None:
    try:
        path = cells.path("/people", mailbox(A=cell), {"$search": '"from:{A}"'})
    except InputError:
        return
    (option,) = parse_qs(urlsplit(path).query, keep_blank_values=True)["$search"]
    assert option == f'"from:{cell}"'
    assert option.count('"') == 2


@given(HOSTILE)
def test_a_cell_that_is_all_of_an_option_is_that_and_no_other_option(cell: str) -> None:
    try:
        path = cells.path("/messages", mailbox(A=cell), {"$filter": "{A}", "$top": "5"})
    except InputError:
        return
    found = parse_qs(urlsplit(path).query, keep_blank_values=True)
    assert found == {"$filter": [cell], "$top": ["5"]}


@given(st.text(max_size=30))
def test_a_cell_in_a_body_is_a_text(cell: str) -> None:
    given_body: Any = {"a": "{A}", "b": [1, None, {"c": "x {A}"}], "{A}": True}
    assert cells.body(given_body, mailbox(A=cell)) == {"a": cell, "b": [1, None, {"c": f"x {cell}"}], "{A}": True}


@pytest.mark.parametrize("path", ["/../ada", "people", "/a?b=1", "/%2e%2e/x", "/f('x)", "/a b", "/{Name", "/a#b"])
def test_a_path_that_cannot_be_sent_is_refused_beforehand(path: str) -> None:
    with pytest.raises(ValueError, match=r"path|question|partner|brace"):
        cells.check_path_template(path)


def test_the_path_of_a_graph_is_its_own_guard() -> None:
    graph = Graph.of(mailbox(), Scripted(lambda _: Response(200)), "x")
    with pytest.raises(TaskMistake):
        run(graph.get("/a/../../b"))
