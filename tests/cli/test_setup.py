"""`bulkmail setup`: from nothing to the first report, repeated, interrupted at each step, and the keys' succession."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bulkmail.app.setup import SETUP
from bulkmail.cli import app
from bulkmail.identity.keyfile import load_key_pair
from bulkmail.identity.secret import read_secret
from bulkmail.sim import Simulator, parse_fault
from bulkmail.sim.families.applications.content import objects
from bulkmail.testing.tenant import serving, write_list
from tests.cli.conftest import SMALL

NAMES = [step.name for step in SETUP]


@dataclass
class Office:
    """A folder with a list and an authority, and a tenant with an administrator who signs in with every code."""

    folder: Path
    simulator: Simulator

    @property
    def job(self) -> Path:
        return self.folder / "contoso.toml"

    def setup(self, *arguments: str, keys: str = "") -> Any:
        """`bulkmail setup contoso.toml ARGUMENTS` with these keys typed."""
        simulator, ca_file = self.simulator, self.folder / "ca.pem"
        ca_file.write_bytes(simulator.ca_file.read_bytes())
        custom = ("--cloud", "custom", "--login", simulator.login_url, "--graph", simulator.graph_url,
                  "--ca-file", str(ca_file), "--key-size", "2048")  # fmt: skip
        return CliRunner().invoke(app, ["setup", str(self.job), *custom, *arguments], input=keys)

    def answers(self) -> str:
        """Tenant, task, name of the application, list of mailboxes."""
        return f"{self.simulator.tenant_id}\nsettings.report\nNightly\n{self.folder / 'mailboxes.csv'}\n"

    def run(self) -> Any:
        return CliRunner().invoke(app, ["run", str(self.job), "--no-progress", "--json"])

    def made(self) -> dict[str, int]:
        """Writes to the directory by their route."""
        routes = self.simulator.books()["routes"]
        return {
            route: sum(number for status, number in codes.items() if int(status) < 300)
            for route, codes in routes.items()
            if not route.startswith(("GET", "any"))
        }

    def app_table(self) -> dict[str, Any]:
        table: dict[str, Any] = tomllib.loads(self.job.read_text())["app"]
        return table


@pytest.fixture
def office(tmp_path: Path, as_before: None) -> Iterator[Office]:
    with serving(Simulator(SMALL)) as simulator:
        simulator.entra.devices.willing = True
        objects(simulator.world).lag = 0  # the wait for a new application is the matter of another test
        write_list(tmp_path, simulator.addresses())
        yield Office(tmp_path, simulator)


ONCE = {
    "POST /applications": 1,
    "POST /servicePrincipals": 1,
    "PATCH /applications/{}": 1,
    "POST /servicePrincipals/{}/appRoleAssignments": 1,
}


def states(done: Any) -> dict[str, str]:
    """Step to its state, as the lines tell it last."""
    lines = [line.split() for line in done.stdout.partition("The check")[0].splitlines()]
    return {line[1]: line[0] for line in lines if line and line[0] in ("there", "done", "next", "would")}


def test_from_nothing_to_the_first_report_and_once_more(office: Office) -> None:
    first = office.setup(keys=office.answers() + "y\n" * len(NAMES))
    assert first.exit_code == 0, first.output
    assert states(first) == dict.fromkeys(NAMES, "done") | {"sign-in": "done", "key": "there", "trial": "there"}
    assert "PASS   mailboxes" in first.stdout
    assert office.made() == ONCE
    report = office.run()
    assert json.loads(report.stdout)["statuses"]["ok"] == 12, report.output
    before = {path: path.read_bytes() for path in office.folder.iterdir() if path.is_file()}
    second = office.setup()
    assert second.exit_code == 0, second.output
    assert states(second) == dict.fromkeys(NAMES, "there") | {"sign-in": "done"}
    assert office.made() == ONCE
    assert before == {path: path.read_bytes() for path in office.folder.iterdir() if path.is_file()}


def test_each_step_is_shown_with_its_requests_before_it_is_done(office: Office) -> None:
    done = office.setup(keys=office.answers() + "y\n" * len(NAMES))
    for name, request in (
        ("application", "POST /applications  displayName 'Nightly'"),
        ("principal", "POST /servicePrincipals  appId "),
        ("permissions", "requiredResourceAccess: MailboxSettings.Read"),
        ("consent", "appRoleAssignments  MailboxSettings.Read"),
    ):
        shown, made = done.stdout.index(f"next   {name}"), done.stdout.index(f"done   {name}")
        assert shown < done.stdout.index(request) < made


def test_the_files_are_for_their_owner_and_open_with_each_other(office: Office) -> None:
    office.setup(keys=office.answers() + "y\n" * len(NAMES))
    key, password = office.folder / "nightly.pfx", office.folder / "nightly.pass"
    assert (key.stat().st_mode & 0o777, password.stat().st_mode & 0o777) == (0o600, 0o600)
    assert load_key_pair(key, read_secret(password)).certificate.days_left() in (364, 365)
    assert office.app_table() == {
        "tenant_id": office.simulator.tenant_id, "client_id": office.app_table()["client_id"], "cloud": "custom",
        "certificate": "nightly.pfx", "certificate_password_file": "nightly.pass", "ca_file": "ca.pem",
        "login": office.simulator.login_url, "graph": office.simulator.graph_url,
    }  # fmt: skip


@pytest.mark.parametrize("step", range(6))
def test_interrupted_at_each_step_it_goes_on(office: Office, step: int) -> None:
    """Six steps ask; at one of them the person says no, and next time yes to the rest."""
    stopped = office.setup(keys=office.answers() + "y\n" * step + "n\n")
    assert stopped.exit_code == 5
    assert "The same command goes on" in stopped.stdout
    again = office.setup(keys=office.answers() + "y\n" * len(NAMES))
    assert again.exit_code == 0, again.output
    assert office.made() == ONCE | {"PATCH /applications/{}": 1}
    assert office.run().exit_code == 0


@pytest.mark.parametrize("step", [1, 4])
def test_a_terminal_that_closes_in_between_leaves_nothing_twice(office: Office, step: int) -> None:
    ended = office.setup(keys=office.answers() + "y\n" * step)
    assert ended.exit_code == 130, ended.output
    assert "the same command goes on" in ended.stderr
    assert office.setup(keys=office.answers() + "y\n" * len(NAMES)).exit_code == 0
    assert office.made() == ONCE


@pytest.mark.parametrize("route", ["POST /applications", "POST /servicePrincipals$", "POST .*appRoleAssignments"])
def test_an_answer_that_is_lost_makes_nothing_twice(office: Office, route: str) -> None:
    office.simulator.world.script.load([parse_fault(f"lost:match=^{route},total=1")])
    given = ("--yes", "--tenant", office.simulator.tenant_id, "--input", str(office.folder / "mailboxes.csv"))
    lost = office.setup(*given)
    assert lost.exit_code == 5, lost.output
    assert "the same command looks first" in lost.stderr
    again = office.setup(*given)
    assert again.exit_code == 0, again.output
    assert office.made() == ONCE


def test_a_person_who_may_not_is_told_which_role_it_takes(office: Office) -> None:
    office.simulator.world.script.load([parse_fault("status:match=^POST /applications,status=403")])
    done = office.setup("--yes", "--tenant", office.simulator.tenant_id)
    assert (done.exit_code, "Application Administrator" in done.stderr) == (4, True)


def test_a_dry_run_looks_and_does_nothing(office: Office) -> None:
    done = office.setup("--dry-run", keys=office.answers())
    assert done.exit_code == 0, done.output
    assert set(states(done).values()) == {"would", "done"}
    assert not office.job.exists()
    assert not list(office.folder.glob("nightly*"))
    assert not office.made()


def test_without_answers_nothing_is_guessed(office: Office) -> None:
    done = office.setup("--yes")
    assert (done.exit_code, "Give --tenant" in done.stderr) == (2, True)
    assert office.setup("--yes", "--tenant", "t", "--task", "rules.repart").exit_code == 2


def test_an_administrator_who_declines_and_a_tenant_that_there_is_not(office: Office) -> None:
    office.simulator.entra.devices.willing = False
    declined = office.setup("--yes", "--tenant", office.simulator.tenant_id)
    assert (declined.exit_code, "the sign-in was declined" in declined.stderr) == (4, True)
    unknown = office.setup("--yes", "--tenant", "fabrikam.example")
    assert (unknown.exit_code, "AADSTS90002" in unknown.stderr) == (4, True)


def test_one_of_that_name_twice_is_for_the_person_to_choose(office: Office) -> None:
    office.setup(keys=office.answers() + "y\n" * len(NAMES))
    client_id = office.app_table()["client_id"]
    office.job.unlink()
    for path in office.folder.glob("nightly*"):
        path.unlink()
    adopted = office.setup("--client-id", client_id, keys=office.answers() + "y\n" * len(NAMES))
    assert adopted.exit_code == 0, adopted.output
    assert states(adopted)["application"] == "there"
    assert states(adopted)["key"] == "done"
    assert office.app_table()["client_id"] == client_id


def test_users_of_the_directory_need_one_role_more(office: Office) -> None:
    done = office.setup("--yes", "--tenant", office.simulator.tenant_id, "--name", "all")
    assert done.exit_code == 0, done.output
    assert tomllib.loads(office.job.read_text())["input"] == {"users": ""}
    assert office.simulator.entra.apps[office.app_table()["client_id"]].roles == {
        "MailboxSettings.Read", "User.ReadBasic.All",
    }  # fmt: skip


def test_with_a_scope_exchange_grants_and_entra_does_not(office: Office) -> None:
    done = office.setup("--scope", "Staff", keys=office.answers() + "y\n" * len(NAMES))
    client_id = office.app_table()["client_id"]
    assert office.simulator.entra.apps[client_id].roles == frozenset()
    assert f"New-ManagementRoleAssignment -App {client_id} -Role 'Application MailboxSettings.Read'" in done.stdout
    assert "FAIL   mailboxes" in done.stdout, "Exchange has not granted anything yet"
    assert done.exit_code == 4


def test_a_successor_is_added_tried_and_gone_over_to_and_the_old_one_removed_when_told(office: Office) -> None:
    office.setup(keys=office.answers() + "y\n" * len(NAMES))
    client_id = office.app_table()["client_id"]
    keys = office.simulator.entra.apps[client_id].certificates
    assert office.setup("--rollover", keys="n\n").exit_code == 5
    stopped = office.setup("--rollover", keys="y\ny\nn\n")
    assert stopped.exit_code == 5, "registered and tried, and the job names the old one"
    assert office.app_table()["certificate"] == "nightly.pfx"
    done = office.setup("--rollover", keys="y\n")
    assert done.exit_code == 0, done.output
    assert office.app_table()["certificate"] == "nightly-2.pfx"
    assert office.app_table()["certificate_password_file"] == "nightly-2.pass"
    assert len(office.simulator.entra.apps[client_id].certificates) == len(keys) + 2 == 4
    removed = office.setup("--remove-old", keys="y\n")
    assert removed.exit_code == 0, removed.output
    assert "removes 1 other: CN=nightly" in removed.stdout
    assert len(office.simulator.entra.apps[client_id].certificates) == 2
    assert office.run().exit_code == 0
    assert states(office.setup("--remove-old"))["old"] == "there"


def test_instructions_name_everything_and_reach_no_one(office: Office) -> None:
    for by, parts in {
        "cli": ("az ad app create --display-name bulkmail", "appRoles[?value=='Mail.Send']", "admin-consent"),
        "powershell": (
            "New-MgApplication -DisplayName 'bulkmail'",
            "'Mail.Send'",
            "AppRoleAssignment -ServicePrincipal",
        ),
        "portal": ("New registration: name bulkmail", "Mail.Send", "admin consent"),
    }.items():
        told = office.setup("--print", by, "--tenant", "contoso.com", "--task", "mail.send", "--input", "list.csv")
        assert told.exit_code == 0, told.output
        for part in (*parts, "bulkmail.cer", "bulkmail cert new bulkmail"):
            assert part in told.stdout, by
    assert office.simulator.books()["requests"] == 0
    assert not office.job.exists()


def test_instructions_for_an_application_that_is_there_replace_nothing(office: Office) -> None:
    office.setup(keys=office.answers() + "y\n" * len(NAMES))
    client_id = office.app_table()["client_id"]
    for by in ("cli", "powershell", "portal"):
        told = office.setup("--print", by, "--rollover").stdout
        assert client_id in told
        assert "nightly-2.cer" in told
        assert "RequiredResourceAccess" not in told
        assert "app create" not in told


def test_what_cannot_have_a_successor_says_so(office: Office) -> None:
    assert office.setup("--rollover", "--yes", "--tenant", "t").exit_code == 2
    office.setup(keys=office.answers() + "y\n" * len(NAMES))
    text = office.job.read_text()
    (office.folder / "app.secret").write_text("s")
    (office.folder / "app.secret").chmod(0o600)
    office.job.write_text(text.replace('certificate = "nightly.pfx"', 'client_secret_file = "app.secret"'))
    done = office.setup("--remove-old")
    assert (done.exit_code, "names no certificate" in done.stderr) == (2, True)
    gone = text.replace(office.app_table()["client_id"], "b01dface-0000-4000-8000-0000000000aa")
    office.job.write_text(gone)
    absent = office.setup("--yes")
    assert (absent.exit_code, "has no application" in absent.stderr) == (2, True)


def test_no_secret_is_shown(office: Office) -> None:
    first = office.setup(keys=office.answers() + "y\n" * len(NAMES))
    office.simulator.entra.trouble = 53003
    second = office.setup("--yes")
    password = (office.folder / "nightly.pass").read_text().strip()
    hidden = [password, *office.simulator.entra.tokens, *office.simulator.entra.devices.flows]
    assert len(hidden) > 3
    assert not [one for one in hidden if one in first.output + second.output]
