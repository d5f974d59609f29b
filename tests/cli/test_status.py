"""`bulkmail status`, and runs that begin with the stalest."""

import json

from tests.cli.conftest import APPLY, REPORT, Desk

STALEST = REPORT.replace('path = "mailboxes.csv"', 'path = "mailboxes.csv"\norder = "stalest"')
STATE = '\n[state]\npath = "state.sqlite"\n'


def test_runs_of_a_part_take_turns_until_all_were_reached(desk: Desk) -> None:
    job = desk.job(STALEST + STATE)
    reached: list[str] = []
    for number in range(1, 4):
        done = desk.bulkmail("run", job, "--limit", "4", out=f"out-{number}" if number > 1 else "out")
        assert done.code == 0, done.err
        assert "12 rows = 4 unique + 8 left out" in done.out
        reached += done.statuses()
    assert sorted(reached) == sorted(desk.tenant.addresses())
    status = desk.bulkmail("status", job)
    assert (status.code, "no run of settings.report has gone through all of its list yet" in status.err) == (2, True)


def test_the_tenant_by_age_and_an_exit_code(desk: Desk) -> None:
    job = desk.job(STALEST + STATE)
    addresses = desk.tenant.addresses()
    desk.mailboxes([*addresses, "nobody@tenant.example"])
    done = desk.bulkmail("run", job)
    assert done.code == 0, done.err
    status = desk.bulkmail("status", job, "--max-age", "1d")
    assert status.code == 0, status.err
    assert "settings.report: 13 mailboxes, as listed " in status.out
    assert "within 1 day            13" in status.out
    old = desk.bulkmail("status", job, "--max-age", "0s", "--stalest", "1", "--json")
    assert old.code == 8
    assert "@tenant.example" in old.out
    masked = desk.bulkmail("status", job, "--mask")
    assert "mailbox-hidden" in masked.out, "no run has made a key yet"
    assert "@tenant.example" not in masked.out
    found = json.loads(old.out)
    assert (found["mailboxes"], found["old"], found["denied"], len(found["stalest"])) == (13, 13, 0, 1)
    assert found["ages"]["1 day"] == 13


def test_a_plan_makes_nothing_fresh_that_is_to_be_applied(desk: Desk) -> None:
    job = desk.job(APPLY + STATE)
    assert desk.bulkmail("run", job).code == 0
    assert desk.bulkmail("status", job).code == 0
    assert desk.bulkmail("status", job, "--apply").code == 2


def test_a_job_that_remembers_nothing(desk: Desk) -> None:
    assert "[state]" in desk.bulkmail("status", desk.job(REPORT)).err
    assert "Run the job first" in desk.bulkmail("status", desk.job(REPORT + STATE)).err
    done = desk.bulkmail("run", desk.job(STALEST))
    assert (done.code, 'input.order = "stalest" needs a file' in done.err) == (2, True)
    for wrong in ("7", "soon"):
        assert desk.bulkmail("status", desk.job(REPORT + STATE), "--max-age", wrong).code == 2


def test_a_run_that_was_stopped_goes_on_with_the_stalest(desk: Desk) -> None:
    job = desk.job(STALEST + STATE)
    assert desk.bulkmail("run", job, "--limit", "3").code == 0
    stopped = desk.bulkmail("run", job, "--limit", "6", "--max-duration", "1ms", out="out-2")
    assert stopped.code == 5, stopped.err
    done = desk.bulkmail("resume", stopped.folder, out="out-2")
    assert done.code == 0, done.err
    assert list(done.statuses().values()) == ["ok"] * 6
