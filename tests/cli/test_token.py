"""What is shown of a token, and when the token itself is."""

import base64
import json

import pytest

from bulkmail.cli.token import show_token
from tests.cli.conftest import REPORT, Desk

CLAIMS = {"appid": "an-app", "tid": "a-tenant", "idtyp": "app", "roles": ["MailboxSettings.Read"], "exp": 32503680000}


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


TOKEN = f"{part({'typ': 'JWT'})}.{part(CLAIMS)}.c2lnbmF0dXJl"


def test_the_claims_are_shown_and_the_token_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    show_token(TOKEN)
    printed = capsys.readouterr().out
    for shown in ("an-app", "a-tenant", "app", "MailboxSettings.Read", "3000-01-01T00:00:00+00:00"):
        assert shown in printed
    assert not [hidden for hidden in TOKEN.split(".") if hidden in printed]


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    show_token(TOKEN, as_json=True)
    assert json.loads(capsys.readouterr().out)["roles"] == ["MailboxSettings.Read"]


def test_raw_is_the_token_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    show_token(TOKEN, raw=True)
    assert capsys.readouterr().out == f"{TOKEN}\n"


def test_a_token_without_roles_and_one_that_is_not_a_jwt(capsys: pytest.CaptureFixture[str]) -> None:
    show_token(f"a.{part({})}.b")
    assert "consented" in capsys.readouterr().out
    show_token("opaque-c4n4ry")
    printed = capsys.readouterr().out
    assert "not a JWT" in printed
    assert "opaque-c4n4ry" not in printed


def test_a_token_of_the_tenant_is_shown_by_its_claims(desk: Desk) -> None:
    job = desk.job(REPORT)
    for flags in ((), ("--decode",)):
        done = desk.bulkmail("token", job, *flags)
        assert done.code == 0, done.err
        assert "6a1f0f5e-0000-4000-8000-000000000001" in done.out
        assert "certificate" in done.out
    assert "MailboxSettings.Read" in json.loads(desk.bulkmail("token", job, "--json").out)["roles"]


def test_the_token_itself_only_on_demand(desk: Desk) -> None:
    raw = desk.bulkmail("token", desk.job(REPORT), "--raw").out.strip()
    assert raw.count(".") == 2
    assert desk.bulkmail("token", desk.job(REPORT), "--raw", "--decode").code == 2


def test_a_job_without_an_application_gets_none(desk: Desk) -> None:
    done = desk.bulkmail("token", desk.job(REPORT, client_id=""))
    assert done.code == 2
    assert "app.client_id is missing" in done.err
