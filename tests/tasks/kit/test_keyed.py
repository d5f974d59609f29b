"""A key goes into an item and comes out of it again; nothing in a key can change what is looked for."""

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.odata import query
from bulkmail.tasks.kit.keyed import EXTENDED, Mark, key_of

MARK = Mark("5d1f0b7e-3a44-4c1e-9a54-6a6f2f0c8e21", "ContactKey")


def test_what_the_service_is_told() -> None:
    """As stored in mailboxes: a different spelling would find nothing of what was made before."""
    name = "String {5d1f0b7e-3a44-4c1e-9a54-6a6f2f0c8e21} Name ContactKey"
    assert MARK.id == name
    assert MARK.expand == f"singleValueExtendedProperties($filter=id eq '{name}')"
    assert MARK.filter("O'Neil") == (
        f"singleValueExtendedProperties/Any(ep: ep/id eq '{name}' and ep/value eq 'O''Neil')"
    )


@given(st.text())
def test_a_key_that_goes_in_comes_out(key: str) -> None:
    body = {"displayName": "Ada"}
    assert key_of(MARK.marked(body, key)) == key
    assert EXTENDED not in body


@given(st.text(st.characters(codec="utf-8")))
def test_a_key_stays_one_literal(key: str) -> None:
    """Its apostrophes are doubled, and in a path it is one value of one option."""
    _, _, literal = MARK.filter(key).partition("ep/value eq ")
    assert literal.startswith("'")
    assert literal.endswith("')")
    assert literal[1:-2].replace("''", "") == key.replace("'", "")
    path = query("/contacts", {"$filter": MARK.filter(key)})
    assert unquote(path) == f"/contacts?$filter={MARK.filter(key)}"
    assert not set(path.partition("=")[2]) & set("&#? \r\n")


@pytest.mark.parametrize("marks", [None, [], {}, "x", [1], [{"id": MARK.id}], 7])
def test_an_item_of_someone_else_has_no_key(marks: Any) -> None:
    assert key_of({EXTENDED: marks}) == ""
    assert key_of({}) == ""
