"""A veil hides every address and shows it again to the letter, whatever else stands in a text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.mask import Mask
from bulkmail.core.veil import SPELLED, Veil

MASK = Mask(b"k" * 32)
ADA = MASK("ada@contoso.com")
ADDRESSES = ["ada@contoso.com", "ADA@Contoso.com", "ada%40contoso.com", "o'tor@contoso.com", "o%27tor%40contoso.com",
             "straße@müller.example", "mailbox-0123456789abcdef@contoso.com"]  # fmt: skip
PIECES = st.one_of(
    st.sampled_from([*ADDRESSES, "~", "~01234567", "mailbox-", ADA, f"{ADA}~01234567", "0123456789abcdef"]),
    st.sampled_from(["'", " ", "/", "@", "%40"]),
    st.text(max_size=5),
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)
VALUES = st.recursive(
    st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)


@given(values=st.lists(VALUES, max_size=4))
def test_what_was_hidden_is_shown_to_the_letter_by_what_was_kept(values: list[Any]) -> None:
    veil = Veil(MASK, {})
    hidden = [veil.hide(value) for value in values]
    kept = dict(veil.fresh())
    assert list(kept.items()) == veil.fresh()
    veil.kept(len(kept))
    assert veil.fresh() == []
    assert len(kept) == len(veil)
    later = Veil(Mask(), kept)
    assert [later.show(value) for value in hidden] == values
    assert [Veil(MASK, kept).hide(value) for value in values] == hidden


@given(text=TEXTS)
def test_no_address_is_left(text: str) -> None:
    hidden = Veil(MASK, {}).hide(text).casefold()
    assert [address for address in ADDRESSES if address.casefold() in hidden] == []


@given(mailbox=st.sampled_from(ADDRESSES), id_=st.sampled_from(["", "4711-ab", "4711-AB"]), note=TEXTS)
def test_a_mailbox_has_in_entries_the_digest_that_it_has_elsewhere(mailbox: str, id_: str, note: str) -> None:
    veil = Veil(MASK, {})
    entry = {"row": 2, "mailbox": mailbox, "id": id_, "note": note}
    hidden = veil.hide_entry(entry)
    assert hidden["mailbox"] == MASK.digest(mailbox)
    assert not id_ or id_ not in hidden.values()
    assert (SPELLED in hidden) == (mailbox != mailbox.casefold())
    assert Veil(Mask(), dict(veil.fresh())).show_entry(hidden) == entry


def test_rows_have_the_digests_of_reports_and_can_be_looked_up() -> None:
    veil = Veil(MASK, {})
    row = {"mailbox": "Ada@contoso.com", "to": ["alan@contoso.com"], "n": 1}
    assert veil.row(row, "ada@contoso.com") == MASK.row(row, "ada@contoso.com")
    assert veil.text("to Ada@contoso.com") == MASK.text("to ada@contoso.com")
    kept = dict(veil.fresh())
    assert sorted(kept.values()) == ["Ada@contoso.com", "alan@contoso.com"]
    assert {token.partition("~")[0] for token in kept} == {ADA, MASK("alan@contoso.com")}
    assert repr(veil) == "<Veil over 2 texts>"


def test_two_addresses_with_one_digest_are_told_apart() -> None:
    veil = Veil(MASK, {ADA: "grace@contoso.com"})
    hidden = veil.hide("ada@contoso.com")
    assert hidden.startswith(f"{ADA}~")
    assert veil.show(hidden) == "ada@contoso.com"


def test_what_is_not_known_is_an_error() -> None:
    with pytest.raises(KeyError):
        Veil(MASK, {}).show(f"of {ADA}")


def test_it_shows_how_much_it_hides_and_not_what() -> None:
    veil = Veil(MASK, {ADA: "grace@contoso.com"})
    veil.hide("ada@contoso.com")
    assert repr(veil) == "<Veil over 2 texts>"
