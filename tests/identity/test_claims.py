"""What is shown of a token, and that showing it never fails and never shows the signature."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.identity.claims import decode
from tests.identity.fakes import jwt

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLAIMS = {
    "appid": "a", "tid": "t", "aud": "https://graph.microsoft.com", "idtyp": "app", "appidacr": "2",
    "roles": ["User.Read.All", "MailboxSettings.Read"], "secret-claim": "canary",
    "exp": int((NOW + timedelta(minutes=59, seconds=30)).timestamp()),
}  # fmt: skip


def test_the_claims_that_matter() -> None:
    assert decode(jwt(CLAIMS), NOW) == {
        "application": "a",
        "tenant": "t",
        "audience": "https://graph.microsoft.com",
        "type": "app",
        "signed_in_with": "certificate",
        "roles": ["MailboxSettings.Read", "User.Read.All"],
        "expires": "2026-03-01T12:59:30+00:00",
        "minutes_left": 59,
    }


def test_an_expired_one() -> None:
    assert decode(jwt(CLAIMS), NOW + timedelta(hours=2))["minutes_left"] < 0


def test_of_version_2() -> None:
    shown = decode(jwt({"azp": "b", "azpacr": "1"}), NOW)
    assert (shown["application"], shown["signed_in_with"]) == ("b", "secret")
    assert (shown["roles"], shown["expires"], shown["minutes_left"]) == ([], None, None)


@pytest.mark.parametrize("token", ["", "opaque", "a.b", "a.b.c", "..", "é.é.é", "a." + "W" * 4000 + ".c"])
def test_what_is_no_jwt_shows_nothing(token: str) -> None:
    assert decode(token, NOW) == {}


@pytest.mark.parametrize("exp", ["soon", None, 1e300, -1e300, [], float("nan"), True])
def test_odd_expiries(exp: Any) -> None:
    assert isinstance(decode(jwt({"exp": exp}), NOW), dict)


def test_hostile_claims_are_cleaned() -> None:
    shown = decode(jwt({"tid": "x\x1b[31m\n", "roles": ["A\x07", 7]}), NOW)
    assert shown["tenant"].isprintable()
    assert all(role.isprintable() for role in shown["roles"])


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_anything_may_be_given(token: str) -> None:
    assert isinstance(decode(token, NOW), dict)
    assert isinstance(decode(f"x.{token}.y", NOW), dict)
