"""A report by each kind of identity: the machine's own, a workload's, and a certificate in the old form."""

from pathlib import Path

import pytest

from bulkmail.sim import Settings
from bulkmail.testing.tenant import CLIENT_ID
from tests.cli.conftest import REPORT, Desk


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Without TLS on Graph's side, where the metadata service is as well: it is plain http in Azure, too."""
    return Settings(mailboxes=5, seed=3, absent=0.0, denied=0.0, moving=0.0, tls=False)


def job(desk: Desk, line: str) -> Path:
    path = desk.job(REPORT, certificate="", certificate_password_file="")
    path.write_text(path.read_text().replace("[app]\n", f"[app]\n{line}\n"))
    return path


@pytest.mark.parametrize("kind", ["system", "user"])
def test_the_identity_of_a_virtual_machine(desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    simulator = desk.tenant.simulator
    simulator.entra.machine = CLIENT_ID
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", simulator.graph_url)
    path = job(desk, f'managed_identity = "{kind}"')
    done = desk.bulkmail("run", path)
    assert done.code == 0, done.err
    assert len(done.rows) == 5
    checked = desk.bulkmail("check", path)
    assert "PASS   certificate  none is needed: this machine's own identity" in checked.out
    assert "PASS   sign-in      not asked" in checked.out
    assert "FAIL" not in checked.out


def test_a_machine_without_that_identity(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    simulator = desk.tenant.simulator
    simulator.entra.machine = ""
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", simulator.graph_url)
    done = desk.bulkmail("run", job(desk, 'managed_identity = "user"'))
    assert (done.code, "Identity not found" in done.err) == (4, True)


def test_the_identity_of_a_kubernetes_workload(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    simulator = desk.tenant.simulator
    path = job(desk, 'managed_identity = "workload"')
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE", raising=False)
    refused = desk.bulkmail("run", path)
    assert (refused.code, "AZURE_FEDERATED_TOKEN_FILE is not set" in refused.err) == (2, True)
    (desk.folder / "token").write_text("a.federated.token\n")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(desk.folder / "token"))
    simulator.register(CLIENT_ID, roles=["MailboxSettings.Read"], assertions=["a.federated.token"])
    done = desk.bulkmail("run", path)
    desk.tenant.grant("MailboxSettings.Read")
    assert done.code == 0, done.err


def test_a_certificate_in_the_old_form(desk: Desk) -> None:
    path = desk.job(REPORT)
    path.write_text(path.read_text().replace("[app]\n", '[app]\nassertion_algorithm = "RS256"\n'))
    done = desk.bulkmail("run", path)
    assert done.code == 0, done.err
    assert desk.bulkmail("run", desk.job(REPORT), "--set", "app.assertion_algorithm=HS256").code == 2
