"""What an answer of the directory means, and that nothing in its text can do harm."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.identity.refusal import ADVICE, Names, refused

NAMES = Names("login.example.com", "tenant-1", "client-1", "AB" * 20)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def body(code: int, text: str = "It went wrong. See more.") -> dict[str, Any]:
    description = f"AADSTS{code}: {text}\r\nTrace ID: 1\r\nTimestamp: 2026-01-01 00:00:00Z"
    return {"error": "invalid_client", "error_description": description, "error_codes": [code]}


@pytest.mark.parametrize("code", ADVICE)
def test_every_code_of_the_table_is_told_with_advice(code: int) -> None:
    failure = refused(401, {}, body(code), NAMES, NOW)
    assert failure.error.code == f"AADSTS{code}"
    assert str(failure.error) == f"login.example.com gives no token: AADSTS{code}: It went wrong."
    assert failure.error.hint
    assert "{" not in failure.error.hint
    assert not failure.transient


@pytest.mark.parametrize(
    ("code", "mentioned"),
    [
        (700027, "AB" * 20), (7000215, "not its id"), (700016, "client-1"), (90002, "tenant-1"), (7000112, "enable"),
        (900382, "usgov"), (53003, "conditional access"), (700024, "clock"),
    ],
)  # fmt: skip
def test_the_advice_names_what_to_look_at(code: int, mentioned: str) -> None:
    assert mentioned in refused(400, {}, body(code), NAMES, NOW).error.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Tenant 'contoso.onmicrosoft.com' not found. This may happen.", "Tenant 'contoso.onmicrosoft.com' not found."),
        ("No sentence at all", "No sentence at all"),
        ("red \x1b[31mand\x07 \u202eback", "red [31mand back"),
        ("you sent eyJ" + "x" * 90 + " to me", "you sent … to me"),
    ],
)
def test_the_text_is_one_clean_sentence(text: str, said: str) -> None:
    told = str(refused(400, {}, body(1, text), NAMES, NOW).error)
    assert " ".join(told.split()).endswith(f"AADSTS1: {said}")
    assert told.isprintable()


@pytest.mark.parametrize(
    ("status", "code", "transient"),
    [
        (400, 90002, False), (401, 7000215, False), (403, 53003, False), (408, 0, True), (429, 0, True), (500, 0, True),
        (503, 90033, True), (400, 90055, True), (400, 90033, True), (599, 1, True), (302, 0, False),
    ],
)  # fmt: skip
def test_what_may_pass_by_itself(status: int, code: int, transient: bool) -> None:
    assert refused(status, {}, body(code), NAMES, NOW).transient is transient


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0), ("2.128", 2.128), ("0", 0.0), ("-3", 0.0), ("soon", 0.0), ("", 0.0),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90.0), ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
    ],
)  # fmt: skip
def test_retry_after(value: str, seconds: float) -> None:
    assert refused(429, {"retry-after": value}, None, NAMES, NOW).after == seconds


@pytest.mark.parametrize(
    ("date", "told"),
    [
        ("Sun, 01 Mar 2026 11:50:00 GMT", "600 seconds ahead"),
        ("Sun, 01 Mar 2026 12:10:00 GMT", "600 seconds behind"),
        ("Sun, 01 Mar 2026 12:00:30 GMT", ""),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_a_wrong_clock_is_measured(date: str, told: str) -> None:
    hint = refused(401, {"date": date}, body(700024), NAMES, NOW).error.hint
    assert told in hint
    assert bool(told) == ("seconds" in hint)


def test_the_code_is_taken_from_the_text_where_it_is_not_listed() -> None:
    answer = {"error_description": "AADSTS90002: Tenant not found."}
    assert refused(400, {}, answer, NAMES, NOW).error.code == "AADSTS90002"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
BODIES = JSON | st.fixed_dictionaries({}, optional={"error": JSON, "error_description": JSON, "error_codes": JSON})


@given(status=st.integers(100, 599), answer=BODIES, header=st.text(max_size=30))
def test_no_answer_breaks_it(status: int, answer: Any, header: str) -> None:
    failure = refused(status, {"retry-after": header, "date": header}, answer, NAMES, NOW)
    assert failure.after >= 0
    assert len(str(failure.error).splitlines()) == 1
    assert "\x1b" not in str(failure.error)
