"""A token that is lost is told from a mailbox that refuses it, by answers alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.access import MOST, PAUSES, SEVERAL, Access, Refusals, Ruling, lets_in


def refused(access: Access, key: str, row: Refusals, began: int | None = None) -> Ruling:
    return access.refused(key, access.now if began is None else began, row)


def is_renewing(access: Access) -> bool:
    return access.renewing


def renewed_once() -> Access:
    """One that was refused at once, and has another token since."""
    access = Access()
    assert refused(access, "ada", Refusals()) is Ruling.AGAIN
    assert is_renewing(access)
    access.renewed()
    assert not is_renewing(access)
    return access


def test_a_first_token_that_none_was_let_in_with_is_replaced_at_once() -> None:
    access = renewed_once()
    assert repr(access) == "<Access 2: let in at -1, 0 refused>"


def test_a_token_that_others_were_let_in_with_is_not_replaced_before_a_pause() -> None:
    access, row = Access(), Refusals()
    access.accepted(access.now)
    watched = access.watching
    assert refused(access, "ada", row) is Ruling.LATER
    assert (watched, access.watching) == (False, True)
    assert row.pause() == PAUSES[0]
    assert refused(access, "ada", row) is Ruling.AGAIN, "no other was let in meanwhile"


def test_a_mailbox_is_refused_for_itself_when_others_are_let_in_after_its_first_refusal() -> None:
    access, row = renewed_once(), Refusals()
    before = access.now
    assert refused(access, "eve", row) is Ruling.LATER
    access.accepted(before)
    assert refused(access, "eve", row) is Ruling.LATER, "that one had left before"
    access.accepted(access.now)
    assert refused(access, "eve", row) is Ruling.OWN


def test_several_mailboxes_that_are_refused_with_a_fresh_token_show_that_it_is_lost() -> None:
    access = renewed_once()
    rulings = [refused(access, f"m{number}", Refusals()) for number in range(SEVERAL)]
    assert rulings == [Ruling.LATER] * (SEVERAL - 1) + [Ruling.LOST]


def test_one_mailbox_that_is_refused_again_and_again_shows_nothing() -> None:
    access = renewed_once()
    row = Refusals()
    for _ in range(MOST):
        ruling = refused(access, "ada", row)
        if ruling is Ruling.LATER:
            row.pause()
    assert ruling is Ruling.OWN


def test_an_attempt_that_left_with_the_token_before_is_sent_again() -> None:
    access = Access()
    early = access.now
    refused(access, "ada", Refusals())
    access.renewed()
    assert refused(access, "eve", Refusals(), early) is Ruling.AGAIN
    assert not access.renewing


def test_a_token_that_was_renewed_ahead_of_its_expiry_is_not_a_fresh_one() -> None:
    access = Access()
    access.renewed()
    rulings = [refused(access, f"m{number}", Refusals()) for number in range(2 * SEVERAL)]
    assert set(rulings) == {Ruling.AGAIN}
    assert access.renewing


@pytest.mark.parametrize(("status", "expected"), [
    (200, True), (403, True), (404, True), (401, False), (408, False), (429, False), (500, False), (503, False),
])  # fmt: skip
def test_what_shows_that_a_token_is_good(status: int, expected: bool) -> None:
    assert lets_in(status) is expected


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.booleans(), st.booleans()), max_size=200))
def test_no_request_is_refused_for_ever(answers: list[tuple[str, bool, bool]]) -> None:
    access, rows = Access(), {key: Refusals() for key in "abcde"}
    for key, good, renew in answers:
        row = rows[key]
        if good:
            access.accepted(access.now)
            continue
        ruling = refused(access, key, row)
        assert row.times <= MOST + 1
        assert ruling is Ruling.OWN or row.times <= MOST
        if ruling is Ruling.LATER:
            row.pause()
        elif ruling in (Ruling.OWN, Ruling.LOST):
            rows[key] = Refusals()
        if access.renewing and renew:
            access.renewed()
