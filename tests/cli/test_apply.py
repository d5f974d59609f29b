"""`bulkmail apply`: a reviewed plan is carried out as it was reviewed, whatever else was changed since."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulkmail.testing.tenant import Done
from tests.cli.conftest import APPLY, LIST, REPORT, ZONE, Desk


@pytest.fixture
def plan(own: Desk) -> Done:
    done = own.bulkmail("run", own.job(APPLY))
    assert done.code == 0, done.err
    return done


def printed(done: Done) -> list[str]:
    """The words of the command that a run has printed last, as a shell reads it."""
    line = next(line for line in reversed(done.out.splitlines()) if line.strip().startswith("bulkmail "))
    return shlex.split(line.strip())[1:]


def planned(done: Done) -> dict[str, str]:
    return {row["mailbox"]: row["after"] for row in done.rows}


def meddle(own: Desk, number: int, zone: str = "Tonga Standard Time") -> None:
    """Someone else sets the time zone of a mailbox."""
    done = own.tenant.run(
        "settings.apply", own.folder / "other", addresses=[own.tenant.addresses()[number]],
        options={"time_zone": zone}, settings={"task.apply": True},
    )  # fmt: skip
    assert done.manifest["changes"] == {"done": 1}


def test_what_was_planned_is_done(own: Desk, plan: Done) -> None:
    done = own.bulkmail("apply", plan.folder, out="out-applied")
    assert done.code == 0, done.err
    assert set(own.zones()) == {ZONE}
    assert done.manifest["changes"] == {"done": plan.manifest["changes"]["planned"]}
    assert (done.manifest["mode"], done.manifest["applies"], done.manifest["parent"]) == (
        "apply", True, str(plan.folder),
    )  # fmt: skip
    assert set(done.statuses()) == set(planned(plan)), "mailboxes without a change are not asked for again"


def test_the_options_are_those_of_the_plan_whatever_the_job_says_now(own: Desk, plan: Done) -> None:
    own.job(APPLY.replace(ZONE, "Tonga Standard Time").replace("[task]", '[task]\nlanguage = "sv-FI"'))
    done = own.bulkmail("apply", plan.folder, out="out-applied")
    assert done.code == 0, done.err
    assert set(own.zones()) == {ZONE}


def test_a_mailbox_that_differs_from_its_plan_is_reported_and_left_alone(own: Desk, plan: Done) -> None:
    number = next(number for number, zone in enumerate(own.zones()) if zone != ZONE)
    meddle(own, number)
    done = own.bulkmail("apply", plan.folder, out="out-applied")
    assert done.code == 3, done.err
    zones = own.zones()
    assert zones.pop(number) == "Tonga Standard Time"
    assert set(zones) == {ZONE}
    failed = [line for line in done.lines("outcomes.ndjson") if line["status"] != "ok"]
    assert [line["error"]["code"] for line in failed] == ["NotAsPlanned"]
    assert "left alone" in failed[0]["error"]["message"]


def test_one_that_is_already_as_it_should_be_is_ok(own: Desk, plan: Done) -> None:
    number = next(number for number, zone in enumerate(own.zones()) if zone != ZONE)
    meddle(own, number, ZONE)
    done = own.bulkmail("apply", plan.folder, out="out-applied")
    assert done.code == 0, done.err
    assert done.manifest["changes"]["done"] == plan.manifest["changes"]["planned"] - 1


def test_a_list_that_was_changed_is_refused(own: Desk, plan: Done) -> None:
    before = own.zones()
    own.mailboxes(own.tenant.addresses()[::-1])
    done = own.bulkmail("apply", plan.folder, out="out-applied")
    assert done.code == 2
    assert "no longer fits" in done.err
    assert "input.sha256" in done.err
    assert own.zones() == before


def test_a_canary_goes_first_and_a_person_looks(own: Desk, plan: Done) -> None:
    before = own.zones()
    first = own.bulkmail("apply", plan.folder, "--canary", "3", out="out-applied")
    assert first.code == 5, first.err
    assert "--canary was reached" in first.out
    assert sum(zone != then for zone, then in zip(own.zones(), before, strict=True)) == 3
    assert sorted(first.statuses().values()).count("not_run") == len(planned(plan)) - 3
    rest = own.bulkmail(*printed(first), out="out-applied")
    assert rest.code == 0, rest.err
    assert set(own.zones()) == {ZONE}


def test_a_run_that_goes_on_keeps_to_the_plan(own: Desk, plan: Done) -> None:
    first = own.bulkmail("apply", plan.folder, "--canary", "3", out="out-applied")
    left = next(number for number, zone in enumerate(own.zones()) if zone != ZONE)
    meddle(own, left)
    rest = own.bulkmail("resume", first.folder, out="out-applied")
    assert rest.code == 3, rest.err
    assert own.zones()[left] == "Tonga Standard Time"
    plan.folder.rename(own.folder / "elsewhere")
    own.edit(rest, state="stopped")
    assert "the plan that this run carries out is gone" in own.bulkmail("resume", first.folder).err


def test_the_plan_of_an_undo_is_applied_as_well(own: Desk, plan: Done) -> None:
    before = own.zones()
    applied = own.bulkmail("apply", plan.folder, out="out-applied")
    back = own.bulkmail("undo", applied.folder, out="out-applied-undo")
    assert {row["result"] for row in back.rows} == {"planned"}
    assert "to be undone" in back.out
    done = own.bulkmail(*printed(back), out="out-applied-undo-applied")
    assert done.code == 0, done.err
    assert own.zones() == before
    assert done.manifest["undone"] == {"restored": applied.manifest["changes"]["done"]}


def test_a_plan_of_drift_is_a_plan(own: Desk) -> None:
    drift = own.bulkmail("run", own.job(APPLY), "--drift")
    assert (drift.code, drift.manifest["drift"]) == (8, True)
    assert own.bulkmail(*printed(drift), out="out-applied").code == 0
    assert set(own.zones()) == {ZONE}


@pytest.mark.parametrize(("job", "flags", "text"), [
    (REPORT, (), "is not a plan: it was only a report"),
    (APPLY, ("--apply",), "is not a plan: it was applied"),
    (f"{APPLY}\n[limits]\nmailboxes_in_flight = 1\n", ("--max-duration", "1ms"), "is not complete"),
])  # fmt: skip
def test_what_is_not_a_plan_is_refused(own: Desk, job: str, flags: tuple[str, ...], text: str) -> None:
    run = own.bulkmail("run", own.job(job), *flags)
    before = own.zones()
    done = own.bulkmail("apply", run.folder, out="out-applied")
    assert done.code == 2
    assert text in done.err
    assert own.zones() == before


def test_a_plan_without_a_change_is_nothing_to_do(own: Desk, plan: Done) -> None:
    own.bulkmail("apply", plan.folder)
    quiet = own.bulkmail("run", own.job(APPLY), out="out-2")
    done = own.bulkmail("apply", quiet.folder, out="out-2-applied")
    assert (done.code, done.folder.exists()) == (0, False)
    assert "nothing to apply" in done.err


ZONES = ("UTC", "Tonga Standard Time", "Romance Standard Time", ZONE)
NAMES = st.text("ab '\"$&;()", min_size=1, max_size=8).map(lambda text: f"o{text.strip()}")


@pytest.fixture
def numbered() -> Callable[[], int]:
    numbers = iter(range(1000))
    return lambda: next(numbers)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    zone=st.sampled_from(ZONES), limit=st.integers(0, 12), few=st.integers(1, 12), own_list=st.booleans(), name=NAMES,
    batch=st.booleans(), mode=st.sampled_from([(), ("--plan",), ("--drift",)]),
    job_now=st.sampled_from(["the same", "another zone", "another task"]),
)  # fmt: skip
def test_the_command_that_a_plan_prints_does_what_was_planned_and_nothing_else(
    own: Desk, numbered: Callable[[], int], zone: str, limit: int, few: int, name: str, mode: tuple[str, ...],
    job_now: str, *, own_list: bool, batch: bool,
) -> None:  # fmt: skip
    folder = f"{numbered()}{name}"
    flags = ["--set", f"task.time_zone={zone}", "--limit", str(limit), "--output", str(own.folder / folder), *mode]
    if own_list:
        (own.folder / "it's few.csv").write_text("\n".join(["mailbox", *own.tenant.addresses(few)]))
        flags += ["--input", str(own.folder / "it's few.csv")]
    flags += ["--set", "limits.batch=true"] if batch else []
    plan = own.bulkmail("run", own.job(APPLY), *flags, out=folder)
    assert plan.code in (0, 8), plan.err
    expected = dict(zip(own.tenant.addresses(), own.zones(), strict=True)) | planned(plan)
    if not planned(plan):
        assert "next" not in plan.out
        return
    own.job({"another zone": APPLY.replace(ZONE, "Fiji Standard Time"), "another task": REPORT}.get(job_now, APPLY))
    done = own.bulkmail(*printed(plan), out=f"{folder}-applied")
    assert done.code == 0, done.err
    assert dict(zip(own.tenant.addresses(), own.zones(), strict=True)) == expected
    written = [json.loads(line) for line in (done.folder / "changes.ndjson").read_bytes().splitlines()]
    assert len([one for one in written if one["state"] == "done"]) == len(planned(plan))


def test_a_hint_is_quoted_for_the_shell(own: Desk, tmp_path: Path) -> None:
    odd = tmp_path / "it's a; plan"
    plan = own.bulkmail("run", own.job(APPLY), "--output", odd, out=odd.name)
    assert printed(plan) == ["apply", str(odd)]


def test_lists_that_are_named_in_the_job_are_the_plans_own(own: Desk, plan: Done) -> None:
    own.job(APPLY.replace(LIST, '[input]\nusers = ""\n'))
    done = own.bulkmail("apply", plan.folder, out="out-applied")
    assert done.code == 0, done.err
    assert set(own.zones()) == {ZONE}
