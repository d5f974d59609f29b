"""Digests in place of addresses: the same for the same mailbox, and none is left in a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.mask import HIDDEN, Mask

MASK = Mask(b"k" * 32)
ADA, ALAN = MASK("ada@contoso.com"), MASK("alan@contoso.com")


def test_a_mailbox_has_one_digest_and_another_key_another() -> None:
    assert MASK(" Ada@Contoso.COM ") == ADA
    assert MASK("alan@contoso.com") != ADA
    assert Mask(b"l" * 32)("ada@contoso.com") != ADA
    assert ADA.startswith("mailbox-")
    assert len(ADA) == len("mailbox-") + 16
    assert Mask()("ada@contoso.com") == HIDDEN
    assert "k" * 8 not in repr(MASK)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("The requested user 'ada@contoso.com' is invalid.", f"The requested user '{ADA}' is invalid."),
        ("/users/ada%40contoso.com/messages", f"/users/{ADA}/messages"),
        ('{"mailbox":"ADA@contoso.com"}', f'{{"mailbox":"{ADA}"}}'),
        ("<ada@contoso.com>, ada@contoso.com.", f"<{ADA}>, {ADA}."),
        ("o'tor@contoso.com", MASK("o'tor@contoso.com")),
        ("fern.o'tor.8@tenant.example (first)", f"{MASK('fern.o' + chr(39) + 'tor.8@tenant.example')} (first)"),
        ("jürgen@müller.example", MASK("jürgen@müller.example")),
        ("12 of 40 @ once", "12 of 40 @ once"),
        ("nothing here", "nothing here"),
    ],
)
def test_texts(text: str, masked: str) -> None:
    assert MASK.text(text) == masked


@given(
    before=st.text(max_size=30), after=st.text(max_size=30),
    local=st.from_regex(r"\A[a-z0-9](?:[a-z0-9.+_'-]{0,20}[a-z0-9])?\Z"),
    domain=st.from_regex(r"\A[a-z0-9-]{1,9}\.example\Z"),
)  # fmt: skip
def test_no_address_is_left_in_any_text(before: str, after: str, local: str, domain: str) -> None:
    address = f"{local}@{domain}"
    assert address not in MASK.text(f"{before}{address}{after}")


def test_values_and_rows() -> None:
    assert MASK.value({"a": ["x ada@contoso.com", 3, None], "b": {"c": "ada@contoso.com"}}) == {
        "a": [f"x {ADA}", 3, None], "b": {"c": ADA},
    }  # fmt: skip
    row = {
        "mailbox": "Ada@contoso.com",
        "upn": "ada@contoso.com",
        "to": "alan@contoso.com",
        "n": 1,
        "a": [{"b": "<alan@contoso.com>"}],
    }
    assert MASK.row(row, "ada@contoso.com") == {
        "mailbox": ADA, "upn": ADA, "to": ALAN, "n": 1, "a": [{"b": f"<{ALAN}>"}],
    }  # fmt: skip
    assert MASK.row({"own": "o'dd name"}, "O'dd Name") == {"own": MASK("o'dd name")}
    assert MASK(ADA) == MASK.text(ADA) == ADA


def test_a_long_text_costs_no_more_than_its_length() -> None:
    assert MASK.text("a" * 200_000 + "@") == "a" * 200_000 + "@"
    assert MASK.text("a.'" * 60_000 + "%40") == "a.'" * 60_000 + "%40"
