"""The undoing of a task is a task whose mailboxes bring their changes."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import UsageError
from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Response, Row
from bulkmail.task.declare import UNDO_COLUMNS
from bulkmail.task.undo import CHANGES, packed, undoing, unpacked
from bulkmail.tasks import Options, Task, task
from bulkmail.testing import Scripted, collect, run

texts = st.text(st.characters(codec="utf-8"), max_size=9)
plain = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts
json: st.SearchStrategy[Any] = plain | st.dictionaries(texts, st.lists(plain, max_size=2), max_size=2)
some_change = st.builds(Change, texts, json, json, st.just(False))  # how it was counted does not come back
changes = st.lists(st.builds(Made, some_change, texts, st.booleans()), max_size=5)


def change_of(key: str) -> Made:
    return Made(Change(key, 1, 2), f"id of {key}")


async def take_back(mailbox: Mailbox, graph: Graph, options: Options, made: Sequence[Made]) -> AsyncIterator[Row]:
    for one in made:
        await graph.patch(f"/{one.change.key}", {"value": one.change.before})
        yield {"key": one.change.key, "result": "restored"}


async def write(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    yield {}


def declared(**more: Any) -> Task:
    declare = task("made.up", summary="s", permission="Mail.ReadWrite", columns={"a": "b"}, writes=True, **more)
    return declare(write)


@given(changes)
def test_changes_come_back_the_latest_first(made: list[Made]) -> None:
    assert unpacked(packed(made)) == made[::-1]


def test_the_undoing_gets_the_changes_of_its_mailbox_and_reports_them() -> None:
    reverse = undoing(declared(undo=take_back, target=lambda mailbox, options: "news", wants_columns=True))
    service = Scripted(lambda _request: Response(200, body={}))
    ada = Mailbox("ada@example.com", 2, columns=packed([change_of("first"), change_of("second")]))
    rows = run(collect(reverse.run(ada, Graph.of(ada, service, "https://graph.example/v1.0"), Options())))
    assert rows == [{"key": "second", "result": "restored"}, {"key": "first", "result": "restored"}]
    assert [(request.path.rpartition("/")[2], request.body) for request in service.requests] == [
        ("second", {"value": 1}),
        ("first", {"value": 1}),
    ]
    assert reverse.columns(Options()) == UNDO_COLUMNS
    assert (reverse.name, reverse.writes, reverse.wants_columns) == ("made.up", True, True)
    assert reverse.target is not None
    assert reverse.target(ada, Options()) == "news"


def test_an_undoing_cannot_be_undone() -> None:
    with pytest.raises(UsageError, match=r"what made\.up does cannot be taken back"):
        undoing(undoing(declared(undo=take_back)))


def test_what_has_no_undo_cannot_be_taken_back() -> None:
    with pytest.raises(UsageError, match=r"what made\.up does cannot be taken back"):
        undoing(declared())


def test_the_columns_hold_nothing_else() -> None:
    assert packed([change_of("a")]) == {CHANGES: '[["a",1,2,"id of a",true]]'}
