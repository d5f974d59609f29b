"""`bulkmail resume --retry`: no one gets a message twice, and what was applied is planned first."""

import pytest

from bulkmail.sim import Settings
from bulkmail.sim.faults.script import Fault
from bulkmail.testing.tenant import Done
from tests.cli.conftest import APPLY, LIST, ZONE, Desk

FLAG = "--send-again-what-may-have-been-sent"
DIRECT = (
    f'{LIST}\n[task]\nname = "mail.send"\ncampaign = "c"\nsubject = "s"\nbody = "b"\nmode = "direct"\n'
    "[limits]\nmax_attempts = 1\nsettle = 0.1\n"
)


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(
        mailboxes=12, seed=3, latency=0.0, absent=0.0, denied=0.0, moving=0.0,
        faults=(Fault("lost", match="^POST .*/sendMail", times=1, total=5),),
    )  # fmt: skip


@pytest.fixture
def doubtful(own: Desk) -> Done:
    done = own.bulkmail("run", own.job(DIRECT), "--apply")
    assert sorted(done.statuses().values()).count("unknown") == 5, done.err
    return done


def sends(own: Desk) -> int:
    return sum(own.tenant.books()["routes"]["POST /users/{}/sendMail"].values())


def test_what_may_have_been_sent_is_not_offered(own: Desk, doubtful: Done) -> None:
    assert "--retry" not in doubtful.out
    assert "in 5 mailboxes something was sent, or may have been" in doubtful.out
    assert doubtful.manifest["sent_once"] == {"unknown": 5}


@pytest.mark.parametrize("flags", [(), ("--apply",), ("--plan",)])
@pytest.mark.parametrize("statuses", ["unknown", "ok", "ok,unknown"])
def test_and_it_is_refused(own: Desk, doubtful: Done, statuses: str, flags: tuple[str, ...]) -> None:
    before = sends(own)
    done = own.bulkmail("resume", doubtful.folder, "--retry", statuses, *flags)
    assert done.code == 2
    assert "people would get it twice" in done.err
    assert FLAG in done.err
    assert sends(own) == before


def test_until_it_is_asked_for_by_its_name(own: Desk, doubtful: Done) -> None:
    before = sends(own)
    plan = own.bulkmail("resume", doubtful.folder, "--retry", "unknown", FLAG, out="out-2")
    assert (plan.code, plan.manifest["mode"], sends(own)) == (0, "plan", before), plan.err
    done = own.bulkmail("resume", doubtful.folder, "--retry", "unknown", FLAG, "--apply", out="out-3")
    assert (done.code, sends(own)) == (0, before + 5), done.err


def test_a_retry_of_an_applied_run_plans_unless_it_is_told_to_apply(own: Desk) -> None:
    first = own.bulkmail("run", own.job(APPLY), "--apply", "--max-changes", "2")
    before = own.zones()
    plan = own.bulkmail("resume", first.folder, "--retry", "not_run", out="out-2")
    assert (plan.code, plan.manifest["mode"], own.zones()) == (0, "plan", before), plan.err
    done = own.bulkmail("resume", first.folder, "--retry", "not_run", "--apply", "--max-changes", "0", out="out-3")
    assert (done.code, done.manifest["mode"]) == (0, "apply"), done.err
    assert set(own.zones()) == {ZONE}


@pytest.mark.parametrize("flag", ["--apply", "--plan", FLAG])
def test_a_run_that_goes_on_does_what_it_was_begun_for(own: Desk, flag: str) -> None:
    first = own.bulkmail("run", own.job(APPLY), "--max-duration", "1ms")
    done = own.bulkmail("resume", first.folder, flag)
    assert done.code == 2
    assert "go with --retry" in done.err
