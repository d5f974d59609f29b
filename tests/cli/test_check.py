"""`bulkmail check`: every check passes, warns and fails on a simulated tenant, and nothing is written to it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from filelock import FileLock

from bulkmail.app.check import CHECKS
from bulkmail.identity.issue import new_key_pair, to_pem
from bulkmail.sim import parse_fault
from bulkmail.testing.tenant import CLIENT_ID, Done
from tests.cli.conftest import APPLY, REPORT, Desk

ALL = [one.name for one in CHECKS]
NEEDED = "MailboxSettings.Read"
USERS = '[input]\nusers = "{}"\n\n[task]\nname = "settings.report"\n'


def checks(done: Done) -> dict[str, dict[str, Any]]:
    return {one["check"]: one for one in json.loads(done.out)["checks"]}


def levels(done: Done) -> dict[str, str]:
    return {name: one["level"] for name, one in checks(done).items()}


@pytest.fixture(autouse=True)
def least(request: pytest.FixtureRequest) -> Iterator[None]:
    """The tenant as a check likes it, and afterwards as it was."""
    if "desk" not in request.fixturenames:
        yield
        return
    desk: Desk = request.getfixturevalue("desk")
    simulator = desk.tenant.simulator
    desk.tenant.grant(NEEDED)
    yield
    simulator.world.ahead, simulator.entra.life, simulator.entra.trouble = 0.0, 3599, 0
    simulator.world.script.load([])


def certificate(desk: Desk, days: int, *, ago: int = 0, registered: bool = True, mode: int = 0o600) -> None:
    """Another certificate in the job's place, valid for `days` from so many days `ago` on."""
    pair = new_key_pair("CN=another", days=days, key_size=2048, now=datetime.now(UTC) - timedelta(days=ago))
    (desk.folder / "other.pem").write_bytes(to_pem(pair, None))
    (desk.folder / "other.pem").chmod(mode)
    if registered:
        desk.tenant.simulator.register(CLIENT_ID, pair.certificate.pem.encode(), roles=[NEEDED])


def first(desk: Desk) -> str:
    return desk.tenant.addresses(1)[0]


def secret(desk: Desk) -> None:
    """The job signs in with a secret, which stands where its certificate stood."""
    job = desk.folder / "job.toml"
    (desk.folder / "app.secret").write_text("s-c4n4ry")
    (desk.folder / "app.secret").chmod(0o600)
    (desk.folder / "ca-copy.pem").write_bytes(desk.tenant.simulator.ca_file.read_bytes())
    job.write_text(job.read_text().replace('certificate = ""', 'client_secret_file = "app.secret"'))
    desk.tenant.simulator.register(CLIENT_ID, roles=[NEEDED], secret="s-c4n4ry")


def listed(desk: Desk, text: str) -> None:
    (desk.folder / "mailboxes.csv").write_text(text)


def only_for(desk: Desk, group: str, *roles: str) -> None:
    """Exchange grants it for the mailboxes of a group only, and Entra grants `roles`."""
    simulator = desk.tenant.simulator
    scope = simulator.groups()[group]
    simulator.register(CLIENT_ID, desk.tenant.app.pem, roles=roles, scoped_roles=[NEEDED], scope=scope)


class Case(NamedTuple):
    """`check` ends at `level` with `code`, and says `says`, once `arrange` was called; `app` are settings of [app]."""

    check: str
    level: str
    code: int
    says: str
    arrange: Callable[[Desk], object] = lambda _desk: None
    flags: tuple[str, ...] = ()
    job: str = REPORT
    app: tuple[tuple[str, str], ...] = ()


RULES = REPORT.replace("settings.report", "rules.report")
SECRET = (("certificate", ""), ("ca_file", "ca-copy.pem"))
SLOWLY = ("--set", "limits.requests_per_second=100")
OTHER = (("certificate", "other.pem"),)
CASES = (
    Case("job", "WARN", 3, "BULKMAIL_LIMITS_BATHC", lambda _: None),
    Case("job", "FAIL", 2, "there is no task", job=REPORT.replace("settings.report", "setings.report")),
    Case("job", "FAIL", 2, "task.colums is not an option", flags=("--set", "task.colums=seed")),
    Case("job", "FAIL", 2, "changes nothing", flags=("--apply",)),
    Case("input", "WARN", 3, "2 invalid", lambda desk: listed(desk, f"mailbox\nx\ny\n{first(desk)}\n")),
    Case("input", "FAIL", 2, "no such file", lambda desk: (desk.folder / "mailboxes.csv").unlink()),
    Case("input", "FAIL", 2, "there is no row in it", lambda desk: listed(desk, "mailbox\n")),
    Case("output", "FAIL", 7, "cannot write", lambda desk: (desk.folder / "out").write_text("a file in its place")),
    Case("certificate", "WARN", 3, "9 days left", lambda desk: certificate(desk, 10), app=OTHER),
    Case("certificate", "WARN", 3, "chmod 600", lambda desk: certificate(desk, 90, mode=0o644), app=OTHER),
    Case("certificate", "FAIL", 4, "expired", lambda desk: certificate(desk, 2, ago=9), app=OTHER),
    Case("certificate", "FAIL", 4, "public certificate", app=(("certificate", "ca-copy.pem"),),
         arrange=lambda desk: (desk.folder / "ca-copy.pem").write_bytes(desk.tenant.app.pem)),
    Case("authority", "WARN", 3, "the first until", app=(("ca_file", "both.pem"),),
         arrange=lambda desk: (desk.folder / "both.pem").write_bytes(desk.tenant.simulator.ca_file.read_bytes()
         + new_key_pair("CN=old", days=2, key_size=2048).certificate.pem.encode())),
    Case("authority", "FAIL", 2, "no PEM certificate", app=(("ca_file", "mailboxes.csv"),)),
    Case("authority", "FAIL", 2, "cannot use ca_file", app=(("ca_file", "nowhere.pem"),)),
    Case("certificate", "WARN", 3, "chmod 600", lambda desk: (desk.folder / "app.pass").write_text("p"),
         app=(("certificate_password_file", "app.pass"),)),
    Case("certificate", "WARN", 3, "a client secret", secret, app=SECRET),
    Case("directory", "PASS", 0, "what rules.report asks before the first mailbox is answered", job=RULES,
         arrange=lambda desk: desk.tenant.grant(NEEDED, "Domain.Read.All", "Mail.ReadBasic.All")),
    Case("directory", "FAIL", 4, "Domain.Read.All", job=RULES),
    Case("sign-in", "FAIL", 4, "not trusted", app=(("ca_file", "stranger.pem"),),
         arrange=lambda desk: (desk.folder / "stranger.pem").write_text(
             new_key_pair("CN=stranger", key_size=2048).certificate.pem)),
    Case("sign-in", "FAIL", 4, "does not know the tenant", app=(("tenant_id", "fabrikam.example"),)),
    Case("sign-in", "FAIL", 5, "no connection", app=(("login", "https://127.0.0.1:1"),)),
    Case("graph", "FAIL", 5, "no connection", app=(("graph", "https://127.0.0.1:1"),)),
    Case("graph", "FAIL", 5, "not as Graph does", lambda desk: fault(desk, "portal:match=^GET /$")),
    Case("clock", "WARN", 3, "behind", lambda desk: set_clock(desk, 90)),
    Case("clock", "FAIL", 4, "ahead of", lambda desk: set_clock(desk, -400)),
    Case("token", "WARN", 3, "lives 4 minutes", lambda desk: setattr(desk.tenant.simulator.entra, "life", 299)),
    Case("token", "FAIL", 4, "AADSTS700027", lambda desk: certificate(desk, 90, registered=False), app=OTHER),
    Case("token", "FAIL", 4, "AADSTS7000112", lambda desk: setattr(desk.tenant.simulator.entra.apps[CLIENT_ID],
         "enabled", False)),
    Case("directory", "PASS", 0, "/users where mail ne null: 12 mailboxes", job=USERS.format(""),
         arrange=lambda desk: desk.tenant.grant(NEEDED, "User.ReadBasic.All")),
    Case("directory", "WARN", 3, "0 mailboxes", job=USERS.format("mail eq 'x'") + "[output]\nempty_is_ok = true\n",
         arrange=lambda desk: desk.tenant.grant(NEEDED, "User.ReadBasic.All")),
    Case("directory", "FAIL", 2, "0 mailboxes", job=USERS.format("mail eq 'x'"),
         arrange=lambda desk: desk.tenant.grant(NEEDED, "User.ReadBasic.All")),
    Case("directory", "FAIL", 4, "may not be listed", job=USERS.format("")),
    Case("mailboxes", "WARN", 3, "denied", lambda desk: only_for(desk, "quay 2")),
    Case("mailboxes", "WARN", 3, "1 failed", lambda desk: fault(desk, f"status:status=418,match={first(desk)}")),
    Case("mailboxes", "FAIL", 4, "12 denied", lambda desk: desk.tenant.grant("Mail.Send")),
    Case("mailboxes", "FAIL", 3, "12 failed", lambda desk: fault(desk, "status:status=418")),
    Case("mailboxes", "FAIL", 2, "2 absent", lambda desk: listed(desk, "mailbox\na@fabrikam.com\nb@fabrikam.com\n")),
    Case("roles", "PASS", 3, "granted in Exchange", lambda desk: only_for(desk, "quay 2")),
    Case("roles", "WARN", 3, "Mail.Send", lambda desk: desk.tenant.grant(NEEDED, "Mail.Send")),
    Case("roles", "WARN", 3, "more than this job needs: MailboxSettings.ReadWrite",
         lambda desk: desk.tenant.grant(NEEDED, "MailboxSettings.ReadWrite")),
    Case("roles", "WARN", 3, "a check does not write", lambda desk: desk.tenant.grant(NEEDED), job=APPLY),
    Case("roles", "FAIL", 4, "no mailbox of the sample", lambda desk: desk.tenant.grant("Mail.Send")),
    Case("estimate", "WARN", 3, "= 12, at ", flags=("--max-duration", "50ms", *SLOWLY)),
)  # fmt: skip


def fault(desk: Desk, text: str) -> None:
    desk.tenant.simulator.world.script.load([parse_fault(text)])


def set_clock(desk: Desk, seconds: float) -> None:
    desk.tenant.simulator.world.ahead = seconds


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check}-{case.level}-{case.says[:20]}")
def test_a_check_tells_what_is_wrong(desk: Desk, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    if "BATHC" in case.says:
        monkeypatch.setenv("BULKMAIL_LIMITS_BATHC", "true")
    more, _, output = case.job.partition("[output]\n")
    job = desk.job(more, **dict(case.app))
    if output:
        job.write_text(job.read_text().replace("[output]\n", f"[output]\n{output}"))
    case.arrange(desk)
    done = desk.bulkmail("check", job, "--json", *case.flags)
    found = checks(done)[case.check]
    assert (found["level"], done.code) == (case.level, case.code), done.out
    assert case.says in found["text"] + found["hint"], found
    assert found["hint"] or found["level"] == "PASS"


def test_all_is_well(desk: Desk) -> None:
    before = desk.tenant.books()
    done = desk.bulkmail("check", desk.job(REPORT))
    assert done.code == 0, done.out
    lines = [line.split() for line in done.out.splitlines()]
    assert [line[1] for line in lines] == ALL
    assert {line[0] for line in lines} == {"PASS"}
    assert "12 mailboxes, from row 2 to row 13, column mailbox" in done.out
    after = desk.tenant.books()
    assert after["requests"] - before["requests"] == 13, "one for each mailbox, and one without a token"
    assert not (desk.folder / "out").exists()


@pytest.mark.parametrize("flags", [(), ("--apply",)], ids=["plan", "apply"])
def test_nothing_is_written_to_the_tenant(own: Desk, flags: tuple[str, ...]) -> None:
    done = own.bulkmail("check", own.job(APPLY), "--json", *flags)
    assert done.code == 3, done.out  # more roles than are needed
    assert levels(done)["mailboxes"] == "PASS"
    assert own.tenant.books()["effects"]["total"] == 0
    assert ("WOULD APPLY" if flags else "would plan") in checks(done)["job"]["text"]


def test_what_an_earlier_failure_makes_impossible_is_skipped(desk: Desk) -> None:
    found = levels(desk.bulkmail("check", desk.job(REPORT, ca_file="mailboxes.csv"), "--json"))
    assert [name for name in ALL if found[name] == "SKIP"] == [
        "sign-in", "graph", "clock", "token", "directory", "mailboxes", "roles", "estimate",
    ]  # fmt: skip


def test_the_code_is_that_of_the_first_failure_and_else_that_of_a_warning(desk: Desk) -> None:
    (desk.folder / "mailboxes.csv").unlink()
    certificate(desk, 90, registered=False)
    assert desk.bulkmail("check", desk.job(REPORT, certificate="other.pem")).code == 2


def test_another_run_with_the_application_and_one_in_the_directory_itself(desk: Desk) -> None:
    job = desk.job(REPORT)
    assert desk.bulkmail("run", job, "--output", desk.folder / "night").code == 0
    with FileLock(desk.folder / "night" / ".lock"):
        beside = checks(desk.bulkmail("check", job, "--json"))["runs"]
        itself = desk.bulkmail("check", job, "--json", "--output", desk.folder / "night")
    assert beside["level"] == "WARN"
    assert "settings.report in" in beside["text"]
    assert (checks(itself)["runs"]["level"], itself.code) == ("FAIL", 6)
    assert checks(desk.bulkmail("check", job, "--json"))["runs"]["level"] == "PASS"


def test_a_run_is_checked_first_and_begins_unless_something_fails(desk: Desk) -> None:
    job = desk.job(REPORT)
    done = desk.bulkmail("run", job, "--check")
    assert done.code == 0, done.err
    assert "PASS   mailboxes" in done.err
    assert "PASS" not in done.out
    listed(desk, "mailbox\na@fabrikam.com\n")
    refused = desk.bulkmail("run", job, "--check", "--output", desk.folder / "second", out="second")
    assert refused.code == 2
    assert not refused.folder.exists()


def test_before_a_run_with_a_json_log_each_check_is_an_entry(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(REPORT), "--check", "--log-json")
    entries = [json.loads(line) for line in done.err.splitlines()]
    told = [one for one in entries if one.get("event") == "check"]
    assert [one["check"] for one in told] == ALL
    assert {(one["level"], one["result"]) for one in told} == {("info", "PASS")}


def test_standard_input_is_left_to_the_run(desk: Desk) -> None:
    found = levels(desk.bulkmail("check", desk.job(REPORT), "--input", "-", "--json"))
    assert (found["input"], found["mailboxes"], found["token"]) == ("SKIP", "SKIP", "PASS")


def test_with_a_mask_no_address_is_told(desk: Desk) -> None:
    only_for(desk, "quay 2")
    done = desk.bulkmail("check", desk.job(REPORT), "--json", "--mask")
    found = checks(done)["mailboxes"]
    assert found["level"] == "WARN"
    assert "mailbox-hidden" in found["hint"], "there is no key before the first run, and a check makes none"
    assert not [address for address in desk.tenant.addresses() if address in done.out + done.err]
    assert "@" not in json.dumps(found["facts"])


def test_a_directory_that_may_not_be_looked_at_is_a_finding(desk: Desk) -> None:
    done = desk.bulkmail("check", desk.job(REPORT), "--output", desk.folder / ("x" * 300))
    assert (done.code, "File name too long" in done.out) == (7, True), done.out
