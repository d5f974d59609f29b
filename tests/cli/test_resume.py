"""`bulkmail resume`: what it goes on with, what it refuses, and what `--retry` makes a new run of."""

import json
from pathlib import Path

import pytest

from bulkmail.testing.tenant import Done
from tests.cli.conftest import APPLY, REPORT, ZONE, Desk

ONE_BY_ONE = "\n[limits]\nmailboxes_in_flight = 1\n"


def stopped(desk: Desk, job: str = REPORT, *flags: str) -> Done:
    """A run that did next to nothing within its time."""
    done = desk.bulkmail("run", desk.job(job + ONE_BY_ONE), "--max-duration", "1ms", *flags)
    assert done.code == 5, done.err
    desk.job(job)
    return done


def test_what_was_left_is_done_now(desk: Desk) -> None:
    first = stopped(desk)
    [before] = first.manifest["processes"]
    done = desk.bulkmail("resume", first.folder)
    assert done.code == 0, done.err
    assert "mailboxes are done already" in done.err
    assert done.statuses() == dict.fromkeys(desk.tenant.addresses(), "ok")
    assert len(done.lines("outcomes.ndjson")) == len(done.rows) == 12
    assert done.manifest["started"] == first.manifest["started"]
    earlier, this = done.manifest["processes"]
    assert earlier == before
    assert this["requests"] != before["requests"]
    assert this["attempts"] > 0


def test_a_run_that_was_killed_goes_on_behind_what_it_had_done(own: Desk) -> None:
    """The journal is as a kill leaves it: three outcomes, and rows behind them that no outcome speaks of."""
    done = own.bulkmail("run", own.job(REPORT))
    requests = own.tenant.books()["requests"]
    journal = done.folder / "outcomes.ndjson"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:3]))
    own.edit(done, state="running", exit_code=None)
    resumed = own.bulkmail("resume", done.folder, "--json")
    assert resumed.code == 0, resumed.err
    assert "3 mailboxes are done already" in resumed.err
    assert len(resumed.rows) == len(resumed.statuses()) == 12
    assert own.tenant.books()["requests"] == requests + 9
    assert json.loads(resumed.out)["exit_code"] == 0


def test_the_time_box_was_for_one_start_only(desk: Desk) -> None:
    done = desk.bulkmail("resume", stopped(desk, REPORT, "--set", "task.columns=seed").folder)
    assert done.code == 0
    assert done.manifest["job"]["flags"] == {"task.columns": "seed"}
    assert done.manifest["options"]["columns"] == "seed"


def test_a_run_that_is_finished_is_shown_again(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(REPORT))
    requests = desk.tenant.books()["requests"]
    again = desk.bulkmail("resume", done.folder)
    assert again.code == 0
    assert "12 unique" in again.out
    assert "the run is finished" in again.err
    assert json.loads(desk.bulkmail("resume", done.folder, "--json").out)["state"] == "finished"
    assert desk.tenant.books()["requests"] == requests


def test_another_option_is_refused_until_it_is_accepted(desk: Desk) -> None:
    first = stopped(desk)
    desk.job(REPORT + 'columns = "seed"\n')
    refused = desk.bulkmail("resume", first.folder)
    assert refused.code == 2
    assert 'options.columns: "all" is now "seed"' in refused.err
    assert "--accept-changes" in refused.err
    accepted = desk.bulkmail("resume", first.folder, "--accept-changes")
    assert accepted.code == 0, accepted.err
    assert accepted.manifest["options"]["columns"] == "seed"


@pytest.mark.parametrize(
    ("more", "name"), [('\n[output]\nformat = ["csv"]', "output.format"), ("", "app.tenant_id")], ids=["output", "app"]
)
def test_some_changes_cannot_be_accepted(desk: Desk, more: str, name: str) -> None:
    first = stopped(desk)
    if more:
        job = desk.folder / "job.toml"
        job.write_text(job.read_text().replace("[output]", "[output]\nformat = ['csv']"))
    else:
        desk.edit(first, app=first.manifest["app"] | {"tenant_id": "another"})
    refused = desk.bulkmail("resume", first.folder, "--accept-changes")
    assert refused.code == 2
    assert "cannot change" in refused.err
    assert name in refused.err


def test_rows_may_be_added_but_none_that_is_done_may_become_another(own: Desk) -> None:
    done = own.bulkmail("run", own.job(REPORT), "--limit", "0")
    journal = done.folder / "outcomes.ndjson"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:3]))
    own.edit(done, state="running", exit_code=None)
    own.mailboxes(own.tenant.addresses()[::-1])
    refused = own.bulkmail("resume", done.folder, "--accept-changes")
    assert refused.code == 2
    assert "names another mailbox" in refused.err
    own.mailboxes([*own.tenant.addresses(), "nobody@contoso.com"])
    assert own.bulkmail("resume", done.folder).code == 2
    accepted = own.bulkmail("resume", done.folder, "--accept-changes")
    assert accepted.code == 0, accepted.err
    assert len(accepted.statuses()) == 13


def test_an_apply_goes_on_to_its_end(own: Desk) -> None:
    first = own.bulkmail("run", own.job(APPLY), "--apply", "--max-changes", "2")
    assert first.code == 5
    done = own.bulkmail("resume", first.folder, "--max-changes", "0")
    assert done.code == 0, done.err
    assert set(own.zones()) == {ZONE}
    assert done.manifest["changes"]["done"] == sum(line["state"] == "done" for line in done.lines("changes.ndjson"))


def test_what_failed_is_run_again_as_a_run_of_its_own(desk: Desk) -> None:
    gone = "nobody@contoso.com"
    desk.mailboxes([*desk.tenant.addresses(3), gone])
    first = desk.bulkmail("run", desk.job(REPORT))
    done = desk.bulkmail("resume", first.folder, "--retry", "absent, failed", out="out-2")
    assert done.code == 0, done.err
    assert done.statuses() == {gone: "absent"}
    assert done.manifest["parent"] == str(first.folder)
    assert done.manifest["input"]["mailboxes"] == 1
    assert done.lines("outcomes.ndjson")[0]["row"] == 5, "rows are those of the first input"


@pytest.mark.parametrize(("retry", "text"), [("failed", "no mailbox that ended failed"), ("fialed", "not a status")])
def test_a_retry_of_nothing(desk: Desk, retry: str, text: str) -> None:
    first = desk.bulkmail("run", desk.job(REPORT), "--limit", "1")
    done = desk.bulkmail("resume", first.folder, "--retry", retry)
    assert done.code == 2
    assert text in done.err


def test_a_retry_of_another_list_is_refused(desk: Desk) -> None:
    first = desk.bulkmail("run", desk.job(REPORT), "--limit", "1")
    desk.mailboxes(desk.tenant.addresses(4))
    done = desk.bulkmail("resume", first.folder, "--retry", "ok")
    assert done.code == 2
    assert "input.sha256" in done.err


def test_what_is_not_a_run(desk: Desk, tmp_path: Path) -> None:
    done = desk.bulkmail("resume", tmp_path / "nothing")
    assert done.code == 2
    assert "run directory" in done.err


def test_a_run_goes_on_when_its_job_file_was_moved(own: Desk) -> None:
    first = stopped(own)
    moved = (own.folder / "job.toml").rename(own.folder / "elsewhere.toml")
    done = own.bulkmail("resume", first.folder)
    assert done.code == 2
    assert "--job JOB.toml" in done.err
    done = own.bulkmail("resume", first.folder, "--job", moved)
    assert done.code == 0, done.err
    assert done.manifest["job"]["path"] == str(moved)
