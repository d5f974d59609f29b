"""From settings to a token, and what is refused before anything is sent."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bulkmail.errors import BulkmailError, CertificateError, ConfigError
from bulkmail.identity.certificate import KeyPair
from bulkmail.identity.cloud import custom
from bulkmail.identity.issue import new_key_pair, to_pem
from bulkmail.identity.secret import Secret
from bulkmail.identity.settings import AppSettings, credential_from
from bulkmail.model import TokenSource
from tests.identity.conftest import PASSWORD
from tests.identity.fakes import CLIENT, TENANT, FakeDirectory


@pytest.fixture
def app(directory: FakeDirectory, ca_file: Path, pfx: Path) -> AppSettings:
    cloud = custom(directory.origin, "http://127.0.0.1:1")
    return AppSettings(TENANT, CLIENT, cloud, pfx, Secret(PASSWORD), ca_file=ca_file)


def test_a_token(app: AppSettings, directory: FakeDirectory, pair: KeyPair) -> None:
    credential = credential_from(app)
    source: TokenSource = credential
    assert directory.forms == []
    assert asyncio.run(source.token()) == "token-1"
    assert credential.certificate == pair.certificate
    assert credential.warnings == ()
    assert directory.forms[0]["scope"] == "http://127.0.0.1:1/.default"


def test_two_hundred_callers_make_one_request(app: AppSettings, directory: FakeDirectory) -> None:
    async def main() -> set[str]:
        credential = credential_from(app)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(credential.token()) for _ in range(200)]
        return {task.result() for task in tasks}

    assert asyncio.run(main()) == {"token-1"}
    assert len(directory.forms) == 1


def test_other_proofs(app: AppSettings, directory: FakeDirectory, tmp_path: Path) -> None:
    assertion = tmp_path / "assertion"
    assertion.write_text("a.b.c")
    bare = replace(app, certificate=None, certificate_password=None)
    assert asyncio.run(credential_from(replace(bare, client_secret=Secret("value"))).token())
    assert asyncio.run(credential_from(replace(bare, assertion_file=assertion)).token())
    assert [form.get("client_secret") or form.get("client_assertion") for form in directory.forms] == ["value", "a.b.c"]


@pytest.mark.parametrize("tenant", ["common", "Organizations", "", "a/b", "a b", "../x", "-x", "x?y", "ä.de"])
def test_what_is_no_tenant(app: AppSettings, tenant: str) -> None:
    with pytest.raises(ConfigError, match="tenant_id"):
        credential_from(replace(app, tenant_id=tenant))


def test_no_client_id(app: AppSettings) -> None:
    with pytest.raises(ConfigError, match="client_id"):
        credential_from(replace(app, client_id=""))


def test_exactly_one_proof(app: AppSettings) -> None:
    with pytest.raises(ConfigError, match="there are 0 ways"):
        credential_from(replace(app, certificate=None))
    with pytest.raises(ConfigError, match="there are 2 ways"):
        credential_from(replace(app, client_secret=Secret("x")))


@pytest.mark.parametrize(("offset", "said"), [(-400, "expired"), (400, "not valid before")])
def test_a_certificate_outside_its_validity_is_refused_before_any_request(
    app: AppSettings, directory: FakeDirectory, tmp_path: Path, offset: int, said: str
) -> None:
    path = tmp_path / "dated.pem"
    moment = datetime.now(UTC) + timedelta(days=offset)
    path.write_bytes(to_pem(new_key_pair("CN=x", days=365, key_size=2048, now=moment), None))
    with pytest.raises(CertificateError, match=said):
        credential_from(replace(app, certificate=path))
    assert directory.forms == []


def test_what_is_missing_is_refused_at_once(app: AppSettings, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    for settings in (
        replace(app, certificate=missing),
        replace(app, certificate=None, assertion_file=missing),
        replace(app, ca_file=missing),
    ):
        with pytest.raises(BulkmailError, match="missing"):
            credential_from(settings)
