"""What is asked for together: a call that fails as a whole leaves no item without a row."""

from base64 import b64encode

import orjson
import pytest

from bulkmail.errors import GraphError, OutcomeUnknown
from bulkmail.graph import Graph
from bulkmail.model import Response
from bulkmail.tasks.items.fetch import HELD, Coming, several
from bulkmail.tasks.items.folders import Folder
from bulkmail.tasks.items.item import Item
from bulkmail.testing import Scripted, run

ITEMS = [Item(Folder("folder", "Inbox"), name) for name in ("one", "two")]


def answered(status: int, code: str = "ErrorItemNotFound") -> Graph:
    body = {"error": {"code": code, "message": "no"}}
    return Graph(Scripted(lambda _: Response(status, body=body)), "https://graph.microsoft.com/v1.0")


@pytest.mark.parametrize("status", [308, 400, 404, 413])
def test_each_item_is_asked_for_alone_after_a_call_that_was_refused(status: int) -> None:
    found = run(several(answered(status), ITEMS))
    assert [(one.item, one.again) for one in found] == [(item, True) for item in ITEMS]


@pytest.mark.parametrize(("status", "code"), [(403, "ErrorAccessDenied"), (404, "ErrorNonExistentMailbox")])
def test_a_refusal_that_all_would_meet_ends_the_mailbox(status: int, code: str) -> None:
    with pytest.raises(GraphError, match=code):
        run(several(answered(status, code), ITEMS))


def coming(answer: bytes, size: int) -> dict[str, int | None]:
    """How long the streams are that are kept of an answer."""
    found = Coming()
    for start in range(0, len(answer), size):
        run(found.take(answer[start : start + size]))
    return {name: None if stream is None else len(stream) for name, (_, stream) in found.end().items()}


def written(**sizes: int) -> bytes:
    rows = [{"itemId": name, "data": b64encode(bytes(size)).decode()} for name, size in sizes.items()]
    return orjson.dumps({"value": [*rows, {"itemId": "error", "error": {"code": "no"}}]})


@pytest.mark.parametrize("answer", [written(one=3, two=70_000), written(one=3, two=70_000).replace(b":", b": ")])
def test_small_streams_are_kept_however_the_answer_is_written(answer: bytes) -> None:
    assert coming(answer, 30_000) == {"one": 3, "two": 70_000, "error": None}


def test_what_there_is_no_room_for_is_let_go_of_and_what_came_before_is_kept() -> None:
    assert coming(written(one=3, two=HELD, three=3), 1 << 20) == {"one": 3, "error": None}


@pytest.mark.parametrize("size", [3, HELD])
def test_an_answer_that_is_cut_off_is_none(size: int) -> None:
    with pytest.raises(OutcomeUnknown):
        coming(written(one=size)[:-9], 1 << 20)
