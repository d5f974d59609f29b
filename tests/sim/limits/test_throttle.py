"""The limits, told the time by hand: what is refused, what is early, and that a client which waits is let in."""

import math
from email.utils import parsedate_to_datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.sim import Limits, RetryAfterForm
from bulkmail.sim.limits.throttle import MANY, Meter, Refused, Throttle, retry_after, told
from bulkmail.sim.witness.books import Books
from bulkmail.sim.witness.causality import Answers, Asked

APP = "app"


def throttle(**limits: object) -> Throttle:
    return Throttle(Limits(**limits), Books())  # type: ignore[arg-type]


def admitted(found: Meter | Refused) -> Meter:
    assert isinstance(found, Meter)
    return found


MUCH = 1e9
"""More answers than there are."""


def well_read() -> Asked:
    """Of a client that has read whatever was written."""
    return Asked((MUCH,) * 3)


def refused(found: Meter | Refused | float | None) -> Refused:
    assert isinstance(found, Refused)
    return found


def test_the_fifth_in_flight_is_refused_and_only_in_its_own_mailbox() -> None:
    gate = throttle()
    for _ in range(4):
        admitted(gate.admit(APP, 1, 0, 0.0, Asked()))
    assert refused(gate.admit(APP, 1, 0, 0.0, Asked())).limit == "MailboxConcurrency"
    admitted(gate.admit(APP, 2, 0, 0.0, Asked()))
    admitted(gate.admit("other app", 1, 0, 0.0, Asked()))
    assert gate.books.breaches == {"MailboxConcurrency": 1}
    assert gate.books.most_per_mailbox == 4


def test_a_slot_that_was_given_back_is_free() -> None:
    gate = throttle()
    meters = [admitted(gate.admit(APP, 1, 0, 0.0, Asked())) for _ in range(4)]
    gate.release(meters[0])
    admitted(gate.admit(APP, 1, 0, 0.0, Asked()))
    assert not gate.books.breaches


def test_an_early_retry_is_counted_and_lengthens_the_fence() -> None:
    gate = throttle(requests=1, requests_window=1.0, wait=10)
    gate.release(admitted(gate.admit(APP, 1, 0, 0.0, Asked())))
    first = Asked()
    assert refused(gate.admit(APP, 1, 0, 0.5, first)).wait == 10
    Answers().written(first)
    assert refused(gate.admit(APP, 1, 0, 5.0, well_read())).limit == "Fence"
    assert gate.books.early == 1
    refused(gate.admit(APP, 1, 0, 14.9, well_read()))
    assert gate.books.early == 2
    admitted(gate.admit(APP, 1, 0, 24.9, well_read()))


def test_what_was_on_its_way_is_refused_but_not_held_against_the_client() -> None:
    gate = throttle(requests=1, wait=10, requests_window=1.0)
    gate.release(admitted(gate.admit(APP, 1, 0, 0.0, Asked())))
    refused(gate.admit(APP, 1, 0, 0.0, first := Asked()))
    Answers().written(first)
    refused(gate.admit(APP, 1, 0, 9.9, Asked()))  # the machine stood still
    assert (gate.books.early, gate.books.fenced) == (0, 1)
    admitted(gate.admit(APP, 1, 0, 10.0, Asked()))


def test_a_refusal_that_was_never_written_makes_none_early() -> None:
    gate = throttle(requests=1, wait=10, requests_window=1.0)
    gate.release(admitted(gate.admit(APP, 1, 0, 0.0, Asked())))
    refused(gate.admit(APP, 1, 0, 0.0, Asked()))
    refused(gate.admit(APP, 1, 0, 0.5, second := well_read()))
    assert (gate.books.early, gate.books.fenced) == (0, 1)
    Answers().written(second)
    refused(gate.admit(APP, 1, 0, 1.0, well_read()))
    assert (gate.books.early, gate.books.fenced) == (1, 2)


def test_what_was_read_of_an_earlier_fence_says_nothing_of_the_next_one() -> None:
    gate = throttle(rate=1, burst=1, wait=5, harsh=True)
    answers = Answers()
    for now in (0.0, 10.0):
        assert gate.admit_app(APP, now, well_read()) is None
        refused(gate.admit_app(APP, now + 0.1, first := Asked()))
        refused(gate.admit_app(APP, now + 0.2, well_read()))
        assert gate.books.early == now / 10
        answers.written(first)
        refused(gate.admit_app(APP, now + 0.3, well_read()))
        assert gate.books.early == now / 10 + 1


def test_requests_of_ten_minutes_are_counted_with_the_refused_ones() -> None:
    gate = throttle()
    for _ in range(10_000):
        gate.release(admitted(gate.admit(APP, 1, 0, 1.0, Asked())))
    assert refused(gate.admit(APP, 1, 0, 2.0, Asked())) == Refused("Requests", 599.0)
    assert gate.books.breaches == {"Requests": 1}
    admitted(gate.admit(APP, 1, 0, 601.0, Asked()))


def test_uploaded_bytes_of_five_minutes_are_counted() -> None:
    gate = throttle()
    gate.release(admitted(gate.admit(APP, 1, 100_000_000, 0.0, Asked())))
    gate.release(admitted(gate.admit(APP, 1, 50_000_000, 1.0, Asked())))
    assert refused(gate.admit(APP, 1, 1, 2.0, Asked())).limit == "IncomingBytes"
    admitted(gate.admit(APP, 1, 0, 300.0, Asked()))


def test_a_mild_tenant_refuses_what_is_over_its_rate() -> None:
    gate = throttle(rate=10, burst=5)
    assert [gate.admit_app(APP, 0.0, Asked()) for _ in range(5)] == [None] * 5
    assert refused(gate.admit_app(APP, 0.0, Asked())).scope == "app"
    assert gate.admit_app(APP, 1.5, Asked()) is None
    assert gate.admit_app("other app", 0.0, Asked()) is None
    assert gate.books.early == 0


def test_a_mild_tenant_lets_an_early_request_in_and_counts_it() -> None:
    gate = throttle(rate=10, burst=1, wait=5)
    assert gate.admit_app(APP, 0.0, Asked()) is None
    refused(gate.admit_app(APP, 0.01, first := Asked()))
    Answers().written(first)
    assert gate.admit_app(APP, 1.0, well_read()) is None
    assert gate.books.early == 1


def test_a_harsh_tenant_refuses_everything_until_the_time_it_told() -> None:
    gate = throttle(rate=10, burst=1, wait=5, harsh=True)
    assert gate.admit_app(APP, 0.0, Asked()) is None
    refused(gate.admit_app(APP, 0.01, first := Asked()))
    Answers().written(first)
    refused(gate.admit_app(APP, 4.0, well_read()))
    assert gate.books.early == 1
    refused(gate.admit_app(APP, 8.9, Asked()))
    assert gate.admit_app(APP, 13.9, Asked()) is None


def test_directory_units_run_out_and_come_back() -> None:
    gate = throttle(units=1.0)
    assert gate.admit_directory(APP, 5, 0.0, Asked()) == 0.5
    assert gate.admit_directory(APP, 4, 0.0, Asked()) == pytest.approx(0.9)
    assert refused(gate.admit_directory(APP, 5, 0.0, Asked())).limit == "ResourceUnits"
    assert gate.admit_directory(APP, 5, 10.0, Asked()) == 0.5


def test_messages_over_thirty_a_minute_are_held_back_not_refused() -> None:
    gate = throttle()
    meter = admitted(gate.admit(APP, 1, 0, 0.0, Asked()))
    assert [gate.send(meter, 0.0) for _ in range(61)] == [0.0] * 30 + [60.0] * 30 + [120.0]
    assert gate.books.deferred == 31
    # Thirty-one of these are still in the queue when the second minute begins.
    assert [gate.send(meter, 60.0) for _ in range(30)] == [60.0] * 29 + [120.0]
    assert gate.send(meter, 600.0) == 0.0


@pytest.mark.parametrize("form", get_args(RetryAfterForm))
def test_the_header_tells_the_wait_in_every_form(form: RetryAfterForm) -> None:
    limits = Limits(form=form)
    text = retry_after(limits, 2.1).get("Retry-After")
    shown = {"integer": "3", "decimal": "2.100", "joined": "3,3", "zero": "0", "negative": "-5", "garbage": "soon"}
    if form in {"date", "past", "skewed"}:
        assert text is not None
        assert parsedate_to_datetime(text).tzinfo is not None
    else:
        assert text == shown.get(form)
    assert told(limits, 2.1) == {"integer": 3, "date": 3, "skewed": 3, "joined": 3, "decimal": 2.1}.get(form, 0)


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(0, 2), st.booleans()), max_size=80),
    st.sampled_from(["integer", "decimal", "date", "joined"]),
)
def test_a_polite_client_is_never_early(steps: list[tuple[float, int, bool]], form: RetryAfterForm) -> None:
    """It comes as fast as it likes, but not before the time that it was told."""
    gate, answers = throttle(requests=3, requests_window=5.0, form=form), Answers()
    now = 0.0
    flying: list[Meter] = []
    until: dict[int, float] = {}
    for pause, mailbox, gives_back in steps:
        now += pause
        if gives_back and flying:
            gate.release(flying.pop())
        if until.get(mailbox, 0.0) > now:
            continue
        found = gate.admit(APP, mailbox, 0, now, asked := well_read())
        answers.written(asked)
        if isinstance(found, Meter):
            flying.append(found)
        else:
            until[mailbox] = now + told(gate.limits, found.wait)
            assert found.limit != "Fence"
    assert gate.books.early == gate.books.fenced == 0
    assert gate.books.most_per_mailbox <= 4
    assert all(0 <= meter.flying <= 4 for meter in gate.meters.values())


@given(st.lists(st.integers(0, 5), max_size=200))
def test_never_more_than_the_limit_is_in_flight(mailboxes: list[int]) -> None:
    gate = throttle(form="zero")
    refusals = [isinstance(gate.admit(APP, mailbox, 0, 0.0, Asked()), Refused) for mailbox in mailboxes]
    expected = sum(max(0, mailboxes.count(mailbox) - 4) for mailbox in set(mailboxes))
    assert sum(refusals) == gate.books.breaches["MailboxConcurrency"] == expected


@pytest.mark.parametrize("wrong", [{"concurrency": 0}, {"wait": -1}, {"units": 0}, {"rate": -math.inf}])
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        Limits(**wrong)  # type: ignore[arg-type]


def test_of_very_many_mailboxes_the_idle_ones_are_forgotten_and_the_busy_ones_are_not() -> None:
    gate = throttle(requests=1000)
    for _ in range(10):  # a hundredth of the limit
        gate.release(admitted(gate.admit(APP, 0, 0, 0.0, Asked())))
    held = admitted(gate.admit(APP, 1, 0, 0.0, Asked()))
    for mailbox in range(2, MANY + 2):
        gate.release(admitted(gate.admit(APP, mailbox, 0, 1.0, Asked())))
    assert sorted(gate.meters) == [(APP, 0), (APP, 1), (APP, MANY), (APP, MANY + 1)]
    assert gate.meters[APP, 1] is held
    assert gate.meters[APP, 0].requests == 10
