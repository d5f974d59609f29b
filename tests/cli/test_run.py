"""`bulkmail run`: its exit codes, what it prints, and the files that it leaves."""

import csv
import json
from pathlib import Path

import pytest
from filelock import FileLock

from tests.cli.conftest import APPLY, LIST, REPORT, ZONE, Desk


def test_a_report_of_all_mailboxes(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(REPORT))
    assert done.code == 0, done.err
    assert done.statuses() == dict.fromkeys(desk.tenant.addresses(), "ok")
    assert sorted(row["mailbox"] for row in done.rows) == sorted(desk.tenant.addresses())
    with (done.folder / "records.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 12
    assert (done.manifest["state"], done.manifest["exit_code"], done.manifest["mode"]) == ("finished", 0, "read")
    assert done.manifest["input"]["mailboxes"] == 12


def test_who_works_is_told_first_and_the_summary_goes_to_the_standard_output(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(REPORT))
    assert "settings.report as 6a1f0f5e-0000-4000-8000-000000000001 in " in done.err
    assert "permissions: " in done.err
    for part in ("12 rows = 12 unique", "12 requests, 0 throttled", str(done.folder), "run.json"):
        assert part in done.out
    assert "next" not in done.out


def test_as_json_it_is_the_manifest_and_nothing_else(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(REPORT), "--json")
    assert json.loads(done.out) == {"directory": str(done.folder), **done.manifest}


def test_flags_are_laid_over_the_job_and_written_down(desk: Desk) -> None:
    flags = ("--limit", "5", "--set", "task.columns=seed", "--set", "limits.batch=true")
    done = desk.bulkmail("run", desk.job(REPORT), *flags)
    assert done.code == 0, done.err
    assert len(done.rows) == 5
    assert done.manifest["job"]["flags"] == {"input.limit": 5, "task.columns": "seed", "limits.batch": True}
    assert done.manifest["options"]["columns"] == "seed"
    assert done.manifest["limits"]["batch"] is True


def test_another_list_and_another_directory(desk: Desk) -> None:
    (desk.folder / "two.txt").write_text("\n".join(desk.tenant.addresses(2)))
    other = desk.folder / "elsewhere" / "{task}"
    done = desk.bulkmail(
        "run", desk.job(REPORT), "--input", desk.folder / "two.txt", "--output", other, out="elsewhere/settings.report"
    )
    assert done.code == 0, done.err
    assert set(done.statuses()) == set(desk.tenant.addresses(2))


def test_a_second_run_of_the_day_has_a_directory_of_its_own(desk: Desk) -> None:
    job = desk.job(REPORT)
    assert desk.bulkmail("run", job, "--limit", "1").code == 0
    second = desk.bulkmail("run", job, "--limit", "2", out="out-2")
    assert len(second.rows) == 2


def test_the_log_as_json_takes_the_place_of_the_moving_line(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(REPORT), "--log-json")
    assert done.code == 0
    entries = [json.loads(line) for line in done.err.splitlines()]
    last = entries[-1]
    assert (last["event"], last["exit_code"], last["statuses"]["ok"]) == ("end", 0, 12)
    assert last["directory"] == str(done.folder)
    assert last["certificate_days_left"] == done.manifest["certificate_days_left"] > 0


def test_the_directory_of_the_tenant_is_a_list_as_well(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job('[input]\nusers = ""\n[task]\nname = "settings.report"\n'))
    assert done.code == 0, done.err
    assert len(done.rows) == 12
    assert (done.folder / "spooled.ndjson").exists()
    assert done.manifest["input"]["mailboxes"] == 12


def test_a_write_is_planned_and_nothing_is_sent(desk: Desk) -> None:
    before, writes = desk.zones(), desk.writes()
    done = desk.bulkmail("run", desk.job(APPLY))
    assert done.code == 0, done.err
    assert done.manifest["mode"] == "plan"
    assert done.manifest["changes"] == {"planned": sum(zone != ZONE for zone in before)}
    assert (desk.zones(), desk.writes()) == (before, writes)
    assert "nothing was sent" in done.out
    assert f"bulkmail apply {done.folder}\n" in done.out


def test_drift_is_an_exit_code_of_its_own(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(APPLY), "--drift")
    assert done.code == 8
    assert done.manifest["mode"] == "drift"
    assert "drift was found" in done.out


def test_applied_and_then_there_is_no_drift(own: Desk) -> None:
    differing = sum(zone != ZONE for zone in own.zones())
    done = own.bulkmail("run", own.job(APPLY), "--apply")
    assert done.code == 0, done.err
    assert done.manifest["changes"] == {"done": differing}
    assert set(own.zones()) == {ZONE}
    quiet = own.bulkmail("run", own.job(APPLY), "--drift", out="out-2")
    assert quiet.code == 0
    assert quiet.manifest["changes"] == {}


def test_no_more_changes_than_are_allowed(own: Desk) -> None:
    done = own.bulkmail("run", own.job(APPLY), "--apply", "--max-changes", "2")
    assert done.code == 5
    assert done.manifest["changes"] == {"done": 2}
    assert len(done.statuses()) == 12
    assert "--max-changes 2 was reached" in done.out
    assert f"bulkmail resume {done.folder} --max-changes 4" in done.out


def test_a_time_box_accounts_for_everybody(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(f"{REPORT}\n[limits]\nmailboxes_in_flight = 1\n"), "--max-duration", "1ms")
    assert done.code == 5
    assert done.manifest["state"] == "stopped"
    assert done.statuses().keys() == {*desk.tenant.addresses()}
    assert "not_run" in done.statuses().values()


def test_mailboxes_that_do_not_exist_fail_a_run_only_on_demand(desk: Desk) -> None:
    desk.mailboxes([*desk.tenant.addresses(1), "nobody@contoso.com"])
    job = desk.job(REPORT)
    tolerant = desk.bulkmail("run", job)
    assert tolerant.code == 0
    assert tolerant.statuses()["nobody@contoso.com"] == "absent"
    assert desk.bulkmail("run", job, "--set", "output.absent_is_failure=true", out="out-2").code == 3


@pytest.mark.parametrize(
    ("job", "flags", "code", "text"),
    [
        (LIST + '[task]\nname = "settings.reprot"\n', (), 2, "Did you mean settings.report?"),
        (LIST + '[task]\nname = "settings.report"\ncolums = "all"\n', (), 2, "did you mean columns?"),
        (LIST + "[limits]\nbach = true\n", (), 2, "did you mean batch?"),
        (REPORT, ("--set", "limits.batch"), 2, "there is no value"),
        (REPORT, ("--input", "nowhere.csv"), 2, "nowhere.csv"),
        ('[task]\nname = "settings.report"\n', (), 2, "names no mailboxes"),
        (APPLY, ("--apply", "--drift"), 2, "exclude each other"),
    ],
)  # fmt: skip
def test_mistakes_are_named_before_anything_is_made(
    desk: Desk, job: str, flags: tuple[str, ...], code: int, text: str
) -> None:
    before = desk.tenant.books()["requests"]
    done = desk.bulkmail("run", desk.job(job), *flags)
    assert (done.code, desk.tenant.books()["requests"]) == (code, before)
    assert text in done.err
    assert done.out == ""
    assert not done.folder.exists()


def test_a_key_that_the_tenant_does_not_know(desk: Desk, tmp_path: Path) -> None:
    done = desk.bulkmail("run", desk.job(REPORT, client_id="6a1f0f5e-0000-4000-8000-00000000ffff"))
    assert done.code == 4
    assert not done.folder.exists()


def test_without_any_permission_the_run_ends(desk: Desk) -> None:
    roles = ("MailboxSettings.ReadWrite", "User.Read.All")
    desk.tenant.grant("Contacts.Read")
    try:
        done = desk.bulkmail("run", desk.job(f"{REPORT}\n[limits]\nstop_if_denied = 5\n"))
    finally:
        desk.tenant.grant(*roles)
    assert done.code == 4
    assert "no mailbox so far could be opened: 5 denied access" in done.err
    assert done.manifest["state"] == "failed"
    assert done.statuses().keys() == {*desk.tenant.addresses()}


def test_a_directory_that_is_held(desk: Desk) -> None:
    (desk.folder / "out").mkdir()
    with FileLock(desk.folder / "out" / ".lock"):
        done = desk.bulkmail("run", desk.job(REPORT))
    assert done.code == 6
    assert "is held by another process" in done.err


def test_a_variable_that_means_nothing_is_noted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BULKMAIL_LIMITS_BACH", "true")
    done = desk.bulkmail("run", desk.job(REPORT))
    assert done.code == 0
    assert "note: BULKMAIL_LIMITS_BACH" in done.err
