"""What is refused, or told, before a night is lost: texts that name no column, lists of others, tasks with a bug."""

from pathlib import Path

import pytest

from tests.cli.conftest import APPLY, LIST, REPORT, Desk

SEND = f'{LIST}\n[task]\nname = "mail.send"\ncampaign = "c"\nbody = "b"\n'
BUG = """
from collections.abc import AsyncIterator
from bulkmail import Graph, Mailbox, Options, Row, task

@task("bug", summary="s", permission="Mail.Read", columns={"mailbox": "a"})
async def bug(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    await graph.get("/mailboxSettings")
    if mailbox.row > SPARED:
        raise RuntimeError("a bug")
    yield {}
"""


def listed(desk: Desk, *columns: str) -> None:
    heading = ",".join(("UserPrincipalName", *columns))
    rows = [",".join((address, *columns)) for address in desk.tenant.addresses()]
    (desk.folder / "mailboxes.csv").write_text("\n".join([heading, *rows]))


@pytest.mark.parametrize(("subject", "text"), [
    ("Dear {Department}", "task.subject names {Department}; "),
    ("Dear {DisplayNam}", "Did you mean {DisplayName}?"),
    ("Dear {DisplayName", "subject has a brace without its partner"),
    ("Dear DisplayName}", "subject has a brace without its partner"),
])  # fmt: skip
def test_a_text_is_checked_against_the_list_before_anything_starts(desk: Desk, subject: str, text: str) -> None:
    listed(desk, "DisplayName", "Manager")
    before = desk.tenant.books()["requests"]
    done = desk.bulkmail("run", desk.job(f'{SEND}subject = "{subject}"\n'))
    assert done.code == 2
    assert text in done.err
    assert not done.folder.exists()
    assert desk.tenant.books()["requests"] == before


def test_a_list_that_can_be_read_only_once_is_checked_as_well(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(SEND.replace(LIST, '[input]\nusers = ""\n') + 'subject = "{Department}"\n'))
    assert done.code == 2
    assert "names {Department}" in done.err


def test_the_column_of_the_address_is_a_column(desk: Desk) -> None:
    listed(desk, "DisplayName")
    done = desk.bulkmail("run", desk.job(f'{SEND}subject = "{{DisplayName}} {{UserPrincipalName}} {{mailbox}}"\n'))
    assert done.code == 0, done.err
    assert {row["subject"] for row in done.rows} == {f"DisplayName {one} {one}" for one in desk.tenant.addresses()}


def test_a_job_cannot_write_by_itself(own: Desk) -> None:
    before = own.zones()
    done = own.bulkmail("run", own.job(f"{APPLY}apply = true\n"))
    assert (done.code, own.zones()) == (2, before)
    assert "task.apply must not stand in a job file" in done.err
    assert own.bulkmail("run", own.job(f"{APPLY}apply = false\n")).code == 0


@pytest.mark.parametrize("flags", [("--apply",), ("--drift",), ("--max-changes", "5")])
def test_a_task_that_changes_nothing_is_asked_about_no_change(desk: Desk, flags: tuple[str, ...]) -> None:
    done = desk.bulkmail("run", desk.job(REPORT), *flags)
    assert done.code == 2
    assert f"settings.report changes nothing, so {flags[0]} means nothing there" in done.err


def test_drift_wins_over_a_mailbox_that_could_not_be_looked_at(own: Desk) -> None:
    own.mailboxes([*own.tenant.addresses(), "nobody@contoso.com"])
    done = own.bulkmail("run", own.job(APPLY), "--drift", "--set", "output.absent_is_failure=true")
    assert (done.code, done.manifest["drift"]) == (9, True)
    assert "drift was found, and some mailboxes could not be looked at" in done.out


def test_a_list_of_another_tenant_is_not_green(desk: Desk) -> None:
    desk.mailboxes([f"a{number}@fabrikam.com" for number in range(40)])
    done = desk.bulkmail("run", desk.job(REPORT))
    assert done.code == 2
    assert "mailboxes of the list exists in" in done.err
    assert desk.bulkmail("run", desk.job(f"{REPORT}\n[limits]\nstop_if_absent = 0\n"), out="out-2").code == 0


@pytest.mark.parametrize(("spared", "code"), [(0, 1), (2, 3)])
def test_a_bug_in_every_mailbox_is_a_bug(desk: Desk, spared: int, code: int) -> None:
    (desk.folder / "bug.py").write_text(BUG.replace("SPARED", str(spared)))
    done = desk.bulkmail("run", desk.job(REPORT.replace("settings.report", "bug.py:bug")))
    assert done.code == code
    assert ("a bug in the task" in done.out) == (code == 1)


def test_denied_mailboxes_that_are_asked_for_again_are_no_alarm(desk: Desk, tmp_path: Path) -> None:
    desk.tenant.grant("Contacts.Read")
    try:
        first = desk.bulkmail("run", desk.job(f"{REPORT}\n[limits]\nstop_if_denied = 0\n"))
        assert first.code == 3
        desk.job(REPORT)
        again = desk.bulkmail("resume", first.folder, "--retry", "denied", out="out-2")
        assert again.code == 3, again.err
        listed_again = desk.bulkmail("run", desk.job(REPORT), "--input", first.folder / "failed.csv", out="out-3")
        assert listed_again.code == 3, listed_again.err
    finally:
        desk.tenant.grant("MailboxSettings.ReadWrite", "User.Read.All", "Mail.ReadWrite", "Mail.Send")


@pytest.mark.parametrize("locale", ["german", "en_US", "English (United States)", "de-"])
def test_what_is_not_a_locale_is_refused_before_a_plan(desk: Desk, locale: str) -> None:
    done = desk.bulkmail("run", desk.job(f'{LIST}\n[task]\nname = "settings.apply"\nlanguage = "{locale}"\n'))
    assert done.code == 2
    assert "is not a locale, such as en-US" in done.err


def test_a_column_that_is_not_declared_is_told_once(desk: Desk) -> None:
    task = BUG.replace("SPARED", "99").replace("yield {}", 'yield {"extra": 1}')
    (desk.folder / "bug.py").write_text(task)
    done = desk.bulkmail("run", desk.job(REPORT.replace("settings.report", "bug.py:bug")))
    assert done.code == 0, done.err
    assert done.err.count("a column that it does not declare") == 1


def test_a_number_alone_is_no_duration(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(REPORT), "--max-duration", "1")
    assert done.code == 2
    assert "--max-duration 1: of what? Write 1s, 1m or 1h" in done.err


def test_apply_and_plan_exclude_each_other(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(APPLY), "--apply", "--plan")
    assert (done.code, done.folder.exists()) == (2, False)
    assert "--apply and --plan exclude each other" in done.err


@pytest.mark.parametrize(("setting", "text"), [
    ({"client_id": "my-app"}, "client_id 'my-app' is not a GUID"),
    ({"client_id": "00000000-0000-0000-0000-000000000000"}, "client_id is still the one of the example"),
    ({"tenant_id": "00000000-0000-0000-0000-000000000000"}, "tenant_id is still the one of the example"),
])  # fmt: skip
def test_an_id_that_cannot_be_one_is_told_before_anything_is_asked(
    desk: Desk, setting: dict[str, str], text: str
) -> None:
    done = desk.bulkmail("run", desk.job(REPORT, **setting))
    assert (done.code, done.folder.exists()) == (2, False)
    assert text in done.err


def test_a_password_file_that_others_may_read_is_told(own: Desk) -> None:
    password = own.folder / "app.pass"
    password.write_text("a password")
    password.chmod(0o640)
    done = own.bulkmail("run", own.job(REPORT, certificate_password_file=str(password)))
    assert f"{password} holds a secret and others may open it: chmod 600 {password}" in done.err


def test_a_directory_of_others_is_told_before_files_are_put_into_it(own: Desk) -> None:
    (own.folder / "out").mkdir()
    (own.folder / "out" / "letters.txt").write_text("")
    done = own.bulkmail("run", own.job(REPORT))
    assert done.code == 0
    assert "holds other files already" in done.err


def test_that_the_keys_of_connections_are_logged_is_told(own: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(own.folder / "keys"))
    assert "SSLKEYLOGFILE is set: every connection's keys are written there" in own.bulkmail("run", own.job(REPORT)).err
    monkeypatch.delenv("SSLKEYLOGFILE")
    assert "SSLKEYLOGFILE" not in own.bulkmail("run", own.job(REPORT)).err
