"""What is not what was asked for is an error with a name."""

from typing import Any

import pytest

from bulkmail.errors import GraphError
from bulkmail.tasks.kit.expect import an_item, an_object


def test_what_was_asked_for_passes() -> None:
    assert an_object({}, "settings") == {}
    assert an_item({"id": "1"}, "a contact") == {"id": "1"}


@pytest.mark.parametrize("answer", [None, b"<html>", [], "text", 5, True])
def test_an_answer_of_another_kind(answer: Any) -> None:
    with pytest.raises(GraphError, match=r"^200 NotSettings: the answer holds no settings$"):
        an_object(answer, "settings")


@pytest.mark.parametrize("answer", [None, {}, {"id": 5}, {"id": None}, []])
def test_an_answer_without_an_id(answer: Any) -> None:
    with pytest.raises(GraphError, match=r"^201 NotAContactFolder: the answer holds no contact folder$"):
        an_item(answer, "a contact folder", status=201)
