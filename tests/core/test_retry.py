"""Which answers are repeated, after how long, and what an outage may cost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.retry import Judgement, RetryRules, backoff, judge, judge_error, settled
from bulkmail.errors import OutcomeUnknown, ThrottledOut, TransportError, Unreachable
from bulkmail.model import Effect, Request, Response

SAFE = [Effect.READ, Effect.IDEMPOTENT, Effect.VERIFIED]
UNSAFE = [Effect.KEYED, Effect.NONE]
HTML = {"content-type": "text/html; charset=utf-8"}


@pytest.mark.parametrize("effect", list(Effect))
@pytest.mark.parametrize(
    ("statuses", "judgement"),
    [
        ((201, 202, 204, 302, 304, 400, 403, 404, 409, 410, 412, 413, 423, 424, 507), Judgement.DONE),
        ((401,), Judgement.RENEW),
        ((429, 509), Judgement.THROTTLED),
    ],
)
def test_what_is_judged_alike_for_every_effect(effect: Effect, statuses: tuple[int, ...], judgement: Judgement) -> None:
    assert {judge(Response(status), effect) for status in statuses} == {judgement}


@pytest.mark.parametrize("status", [408, 500, 501, 502, 503, 504, 505, 520, 599])
def test_what_may_have_been_done_is_repeated_only_where_that_is_safe(status: int) -> None:
    assert {judge(Response(status), effect) for effect in SAFE} == {Judgement.TRANSIENT}
    assert {judge(Response(status), effect) for effect in UNSAFE} == {Judgement.UNKNOWN}


def test_a_good_answer_with_retry_after_is_a_good_answer() -> None:
    assert judge(Response(202, {"retry-after": "10"}), Effect.NONE) is Judgement.DONE


@pytest.mark.parametrize("status", [200, 201, 302])
def test_a_page_of_html_that_graph_did_not_sign_is_no_answer(status: int) -> None:
    page = Response(status, HTML, b"<html>sign in</html>")
    assert judge(page, Effect.READ) is Judgement.TRANSIENT
    assert judge(page, Effect.NONE) is Judgement.UNKNOWN


def test_an_attachment_of_html_is_an_answer() -> None:
    assert judge(Response(200, {**HTML, "request-id": "r"}, b"<html>"), Effect.READ) is Judgement.DONE


@pytest.mark.parametrize(("status", "body", "effect", "judgement"), [
    (200, None, Effect.READ, Judgement.TRANSIENT),  # cut off before its first byte
    (200, {}, Effect.READ, Judgement.DONE),
    (204, None, Effect.READ, Judgement.DONE),
    (200, None, Effect.IDEMPOTENT, Judgement.DONE),
])  # fmt: skip
def test_a_read_that_reads_nothing(status: int, body: Any, effect: Effect, judgement: Judgement) -> None:
    assert judge(Response(status, body=body), effect) is judgement


@pytest.mark.parametrize("effect", list(Effect))
def test_what_never_began_is_always_repeated(effect: Effect) -> None:
    assert judge_error(Unreachable(""), effect) is Judgement.TRANSIENT
    assert judge_error(ThrottledOut(""), effect) is Judgement.DONE
    assert judge_error(TransportError(""), effect) is Judgement.DONE


def test_a_lost_answer_is_asked_for_again_only_where_that_is_safe() -> None:
    assert {judge_error(OutcomeUnknown(""), effect) for effect in SAFE} == {Judgement.TRANSIENT}
    assert {judge_error(OutcomeUnknown(""), effect) for effect in UNSAFE} == {Judgement.UNKNOWN}


GONE = Response(404, body={"error": {"code": "ErrorItemNotFound"}})


@pytest.mark.parametrize(("path", "judgement"), [
    ("/messages/1/permanentDelete", True),
    ("/messages/1/microsoft.graph.permanentDelete()", True),
    ("/messages/permanentDelete/move", False),
    ("/messages/1/move", False),
])  # fmt: skip
def test_a_deletion_for_good_that_is_repeated_and_finds_nothing_has_done_its_work(path: str, judgement: bool) -> None:
    assert settled(Request("POST", path), GONE) is judgement
    assert not settled(Request("GET", path), GONE)


@pytest.mark.parametrize(("method", "answer", "judgement"), [
    ("DELETE", GONE, True),
    ("GET", GONE, False),
    ("PATCH", GONE, False),
    ("DELETE", Response(404, body={"error": {"code": "MailboxNotEnabledForRESTAPI"}}), False),
    ("DELETE", Response(404), False),
    ("DELETE", Response(204), False),
])  # fmt: skip
def test_a_repeated_delete_that_finds_nothing_has_done_its_work(method: str, answer: Response, judgement: bool) -> None:
    assert settled(Request(method, "/x"), answer) is judgement


@given(st.integers(1, 5000), st.floats(0, 1, exclude_max=True), st.floats(0.01, 10), st.floats(0.01, 100))
def test_full_jitter_keeps_within_its_bounds(tried: int, roll: float, base: float, cap: float) -> None:
    wait = backoff(RetryRules(base=base, cap=cap), tried, lambda: roll)
    assert 0 <= wait <= cap
    assert wait <= base * 2.0 ** min(tried - 1, 60)


def test_backoff_doubles_up_to_its_cap() -> None:
    waits = [backoff(RetryRules(base=0.5, cap=30), tried, lambda: 1.0) for tried in range(1, 9)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]
