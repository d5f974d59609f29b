"""The nouns: what they must not show, and what can be done with them."""

import pytest

from bulkmail.model import Mailbox, Request


def test_a_request_shows_neither_its_headers_nor_its_body() -> None:
    request = Request("POST", "/users/ada/x", headers={"Authorization": "Bearer canary"}, body={"text": "canary"})
    assert repr(request) == f"{request}" == "<Request POST /users/ada/x>"


def test_mailboxes_with_columns_can_be_in_a_set() -> None:
    mailbox = Mailbox("ada@example.com", 2, columns={"Department": "Research"})
    assert len({mailbox, mailbox._replace(), mailbox._replace(row=3), mailbox._replace(columns={})}) == 3


def test_nouns_do_not_change() -> None:
    with pytest.raises(AttributeError):
        setattr(Mailbox("ada@example.com", 2), "row", 3)  # noqa: B010 - mypy would see through the other way
