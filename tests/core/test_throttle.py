"""Whose limit a refusal names."""

import pytest

from bulkmail.core.throttle import Refusal, Scope, Spread, refusal, used_share
from bulkmail.model import Response


def error(code: str, message: str = "") -> dict[str, dict[str, str]]:
    return {"error": {"code": code, "message": message}}


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (Response(429, body=error("ApplicationThrottled", "Application is over its MailboxConcurrency limit.")),
         Refusal(Scope.MAILBOX, "MailboxConcurrency")),
        (Response(429, body=error("ApplicationThrottled", "Application is over its IncomingBytes limit.")),
         Refusal(Scope.MAILBOX, "IncomingBytes")),
        (Response(429, body=error("ApplicationThrottled", "")), Refusal(Scope.MAILBOX, "ApplicationThrottled")),
        (Response(429, body=error("TooManyRequests")), Refusal(Scope.APP, "TooManyRequests")),
        (Response(429, body=error("activityLimitReached")), Refusal(Scope.APP, "activityLimitReached")),
        (Response(429, body=error("UnknownError")), Refusal(Scope.APP, "UnknownError")),
        (Response(429), Refusal(Scope.APP, "429")),
        (Response(429, body=b"<html>"), Refusal(Scope.APP, "429")),
        (Response(509), Refusal(Scope.APP, "509")),
        (Response(503), Refusal(Scope.MAILBOX, "503")),
        (Response(503, body=error("MailboxInfoStale")), Refusal(Scope.MAILBOX, "MailboxInfoStale")),
        (Response(429, {"x-ms-throttle-scope": "Tenant_Application/ReadWrite/a/b"}, error("ApplicationThrottled")),
         Refusal(Scope.APP, "ApplicationThrottled")),
        (Response(504, {"retry-after": "5"}), Refusal(Scope.MAILBOX, "504")),
        (Response(404, {"retry-after": "5"}), None),
        (Response(200), None),
        (Response(403, body=error("ApplicationThrottled")), None),
        (Response(500), None),
    ],
)  # fmt: skip
def test_what_a_refusal_says(response: Response, expected: Refusal | None) -> None:
    assert refusal(response) == expected


@pytest.mark.parametrize(
    ("said", "share"),
    [("0.8", 0.8), ("1.8", 1.8), ("1", 1.0), ("", 0.0), ("nan", 0.0), ("inf", 0.0), ("-1", 0.0), ("1e9", 0.0),
     ("90%", 0.0), ("\u0661", 0.0)],
)  # fmt: skip
def test_the_share_in_use_is_a_plain_number_or_nothing(said: str, share: float) -> None:
    assert used_share(Response(200, {"x-ms-throttle-limit-percentage": said})) == share
    assert used_share(Response(200)) == 0.0


def test_a_few_mailboxes_are_a_coincidence_and_many_are_not() -> None:
    spread = Spread()
    assert [spread.refused(f"m{number}", 1.0) for number in range(7)] == [False] * 4 + [True] * 3
    assert repr(spread) == "<Spread over 7 mailboxes>"


def test_one_mailbox_refused_often_is_still_one() -> None:
    spread = Spread()
    assert not any(spread.refused("m", 1.0) for _ in range(50))


def test_refusals_far_apart_are_no_spread() -> None:
    spread = Spread()
    assert not any(spread.refused(f"m{number}", 2.0 * number) for number in range(50))


def test_what_is_remembered_is_bounded() -> None:
    spread = Spread()
    for number in range(1000):
        spread.refused(f"m{number}", 1.0)
    assert len(spread._recent) == 256
