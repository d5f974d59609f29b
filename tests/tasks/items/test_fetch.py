"""What is asked for together: a call that fails as a whole leaves no item without a row."""

import pytest

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Response
from bulkmail.tasks.items.fetch import several
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
