"""The nouns: what they must not show, and what can be done with them."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.address import Address
from bulkmail.model import Mailbox, Request, key_of


def test_a_request_shows_neither_its_headers_nor_its_body() -> None:
    request = Request("POST", "/users/ada/x", headers={"Authorization": "Bearer canary"}, body={"text": "canary"})
    assert repr(request) == f"{request}" == "<Request POST /users/ada/x>"


def test_mailboxes_with_columns_can_be_in_a_set() -> None:
    mailbox = Mailbox("ada@example.com", 2, columns={"Department": "Research"})
    assert len({mailbox, mailbox._replace(), mailbox._replace(row=3), mailbox._replace(columns={})}) == 3


def test_nouns_do_not_change() -> None:
    with pytest.raises(AttributeError):
        setattr(Mailbox("ada@example.com", 2), "row", 3)  # noqa: B010 - mypy would see through the other way


@given(st.text(st.characters(max_codepoint=127), max_size=20))
def test_a_key_is_the_same_however_a_name_is_spelled(name: str) -> None:
    assert key_of(name.upper()) == key_of(name.lower()) == key_of(key_of(name))


def test_a_mailbox_is_asked_for_by_its_name_and_counted_by_its_key() -> None:
    listed = Mailbox("Office@Contoso.com", 2, "0C8E2B6A-0000-4000-8000-000000000001")
    assert (listed.name, listed.key) == ("0C8E2B6A-0000-4000-8000-000000000001", "office@contoso.com")
    assert Mailbox("office@contoso.com", 3).key == listed.key, "whether its id is known or not"
    assert Request("GET", "/x", listed.address).lane == listed.key
    assert Request("GET", "/x", listed.name, key=listed.key).lane == listed.key


def test_a_pre_signed_address_shows_nowhere() -> None:
    address = Address("https://reports.office.com/S3cret")
    request = Request("PUT", "/pre-signed", address=address)
    assert address.reveal() == "https://reports.office.com/S3cret"
    assert "S3cret" not in f"{address} {address!r} {request} {tuple(request)} {request._asdict()}"
    with pytest.raises(TypeError, match="not written anywhere"):
        pickle.dumps(address)
