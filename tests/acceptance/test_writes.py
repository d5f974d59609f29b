"""`run --apply`, `resume` and `undo` as a shell starts them: what they change, leave alone, and refuse."""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import orjson
import pytest

from bulkmail.sim import Settings
from bulkmail.sim.families.settings.content import settings_of
from bulkmail.testing.tenant import App, Done, Tenant, new_app, open_tenant, write_job, write_list
from tests.forked import run, start

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")

EVERYBODY_THERE = Settings(mailboxes=40, seed=3, latency=0.01, absent=0.0, denied=0.0, moving=0.0)
ZONE = "W. Europe Standard Time"
TASK = f'[input]\npath = "mailboxes.csv"\n\n[task]\nname = "settings.apply"\ntime_zone = "{ZONE}"\n'


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    return new_app(tmp_path_factory.mktemp("app"))


@pytest.fixture
def tenant(tmp_path: Path, app: App) -> Iterator[Tenant]:
    with open_tenant(tmp_path, EVERYBODY_THERE, app) as opened:
        write_list(tmp_path, opened.addresses())
        write_job(tmp_path, opened.simulator, opened.app, TASK)
        yield opened


def writes(tenant: Tenant) -> int:
    """Requests that the service was sent and that are no reads, nor signings in."""
    routes = tenant.books()["routes"]
    return sum(sum(counted.values()) for route, counted in routes.items() if not route.startswith("GET "))


def zones(tenant: Tenant) -> list[str]:
    settings = partial(settings_of, tenant.simulator.world)
    return [settings(number)["timeZone"] for number in range(EVERYBODY_THERE.mailboxes)]


def test_planned_applied_and_then_quiet(tenant: Tenant, tmp_path: Path) -> None:
    before = zones(tenant)
    differing = sum(zone != ZONE for zone in before)
    plan = run(tmp_path, "run", "job.toml")
    assert plan.code == 0, plan.err
    assert plan.manifest["changes"] == {"planned": differing}
    assert len(plan.rows) == differing
    assert (writes(tenant), zones(tenant)) == (0, before)
    assert "nothing was sent" in plan.out

    applied = run(tmp_path, "run", "job.toml", "--apply", out="out-2")
    assert applied.code == 0, applied.err
    assert applied.manifest["changes"] == {"done": differing}
    assert set(zones(tenant)) == {ZONE}
    assert writes(tenant) == differing

    again = run(tmp_path, "run", "job.toml", "--apply", out="out-3")
    assert (again.code, again.manifest["changes"], writes(tenant)) == (0, {}, differing)
    refused = run(tmp_path, "undo", "out")
    assert refused.code == 2
    assert "changed nothing" in refused.err


def test_drift_is_found_and_what_a_run_changed_is_put_back(tenant: Tenant, tmp_path: Path) -> None:
    before = zones(tenant)
    differing = sum(zone != ZONE for zone in before)
    assert run(tmp_path, "run", "job.toml", "--apply").code == 0
    no_drift = run(tmp_path, "run", "job.toml", "--drift", out="out-2")
    assert no_drift.code == 0, no_drift.err

    chosen = next(number for number, zone in enumerate(before) if zone != ZONE)
    settings_of(tenant.simulator.world, chosen)["timeZone"] = "UTC+12"
    drifted = run(tmp_path, "run", "job.toml", "--drift", out="out-3")
    assert (drifted.code, len(drifted.rows), writes(tenant)) == (8, 1, differing)

    assert run(tmp_path, "undo", "out", out="out-undo").code == 3, "one would be left alone"
    assert writes(tenant) == differing, "an undo plans, too"
    undone = run(tmp_path, "undo", "out", "--apply", out="out-undo-2", anew=True)
    assert undone.code == 3, undone.err
    assert "1 left alone (changed since)" in undone.out
    results = [row["result"] for row in undone.rows]
    assert (results.count("restored"), results.count("changed"), len(results)) == (differing - 1, 1, differing)
    assert zones(tenant) == [*before[:chosen], "UTC+12", *before[chosen + 1 :]]


def test_no_more_changes_than_allowed_and_then_the_rest(tenant: Tenant, tmp_path: Path) -> None:
    differing = sum(zone != ZONE for zone in zones(tenant))
    some = run(tmp_path, "run", "job.toml", "--apply", "--max-changes", "5")
    assert (some.code, writes(tenant), some.manifest["changes"]) == (5, 5, {"done": 5}), some.err
    assert sum(some.manifest["statuses"].values()) == EVERYBODY_THERE.mailboxes
    rest = run(tmp_path, "resume", "out", "--max-changes", "0")
    assert rest.code == 0, rest.err
    assert (writes(tenant), rest.manifest["changes"]) == (differing, {"done": differing})
    assert list(rest.statuses().values()) == ["ok"] * EVERYBODY_THERE.mailboxes
    assert len(rest.lines("outcomes.ndjson")) == EVERYBODY_THERE.mailboxes


def test_a_letter_is_one_change_though_it_takes_two_requests(tenant: Tenant, tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    letter = 'name = "mail.send"\ncampaign = "notice"\nsubject = "A notice"\nbody = "Hello"\n'
    job.write_text(job.read_text().partition("[task]")[0] + f"[task]\n{letter}")
    some = run(tmp_path, "run", "job.toml", "--apply", "--max-changes", "5")
    assert (some.code, some.manifest["changes"]) == (5, {"done": 5}), some.err
    assert len(tenant.contents("sent")) == 5
    assert not any(message["isDraft"] and message["key"] for message in tenant.contents("messages")), "none half done"
    rest = run(tmp_path, "resume", "out", "--max-changes", "0")
    assert (rest.code, rest.manifest["changes"]) == (0, {"done": EVERYBODY_THERE.mailboxes}), rest.err
    assert len(tenant.contents("sent")) == EVERYBODY_THERE.mailboxes


def test_killed_and_resumed(tenant: Tenant, tmp_path: Path) -> None:
    differing = sum(zone != ZONE for zone in zones(tenant))
    job = tmp_path / "job.toml"
    job.write_text(job.read_text() + "\n[limits]\nrequests_per_second = 40\n")
    started = start(tmp_path, "run", "job.toml", "--apply", anew=True)
    started.until(some_are_done(tmp_path))
    started.send(signal.SIGSTOP)  # alive, and as slow as a machine can be
    held = run(tmp_path, "resume", "out")
    assert held.code == 6
    assert str(started.pid) in held.err
    started.kill()
    done = (tmp_path / "out" / "outcomes.ndjson").read_bytes().count(b"\n")
    assert 0 < done < EVERYBODY_THERE.mailboxes
    resumed = run(tmp_path, "resume", "out", anew=True)
    assert resumed.code == 0, resumed.err
    assert len(resumed.lines("outcomes.ndjson")) == len(resumed.statuses()) == EVERYBODY_THERE.mailboxes
    assert len(resumed.rows) <= differing
    assert set(zones(tenant)) == {ZONE}
    finished = run(tmp_path, "resume", "out")
    assert (finished.code, "is finished" in finished.err) == (0, True)


def some_are_done(folder: Path) -> Callable[[], bool]:
    path = folder / "out" / "outcomes.ndjson"
    return lambda: path.exists() and b"\n" in path.read_bytes()


def test_what_changed_is_named_and_refused(tenant: Tenant, tmp_path: Path) -> None:
    assert run(tmp_path, "run", "job.toml", "--max-duration", "1ms").code == 5
    job, listed = tmp_path / "job.toml", tmp_path / "mailboxes.csv"
    as_it_was = job.read_text()
    job.write_text(as_it_was.replace(ZONE, "UTC"))
    refused = run(tmp_path, "resume", "out")
    assert refused.code == 2
    assert f'options.time_zone: "{ZONE}" is now "UTC"' in refused.err
    job.write_text(as_it_was)
    listed.write_text(listed.read_text() + "newcomer@tenant.example\n")
    refused = run(tmp_path, "resume", "out")
    assert refused.code == 2
    assert "input.sha256" in refused.err
    accepted = run(tmp_path, "resume", "out", "--accept-changes")
    assert accepted.code == 0, accepted.err
    assert accepted.statuses()["newcomer@tenant.example"] == "absent"
    assert len(accepted.lines("outcomes.ndjson")) == EVERYBODY_THERE.mailboxes + 1


def test_another_mailbox_where_one_was_done_is_not_accepted(tenant: Tenant, tmp_path: Path) -> None:
    assert run(tmp_path, "run", "job.toml", "--apply", "--max-changes", "5").code == 5
    listed = tmp_path / "mailboxes.csv"
    listed.write_text(listed.read_text().replace("mailbox\n", "mailbox\nnewcomer@tenant.example\n", 1))
    refused = run(tmp_path, "resume", "out", "--accept-changes")
    assert refused.code == 2
    assert "names another mailbox" in refused.err


def test_what_did_not_end_well_is_run_again_as_a_run_of_its_own(tenant: Tenant, tmp_path: Path) -> None:
    chosen = tenant.addresses()[7]
    write_list(tmp_path, [*tenant.addresses(), "nobody@tenant.example"])
    tenant.grant("MailboxSettings.Read")
    job = tmp_path / "job.toml"
    job.write_text(job.read_text() + "\n[limits]\nstop_if_denied = 0\n")
    first = run(tmp_path, "run", "job.toml", "--apply")
    assert first.code == 3, first.err
    assert first.statuses()[chosen] in ("denied", "ok")
    denied = [address for address, status in first.statuses().items() if status == "denied"]
    assert denied
    tenant.grant("MailboxSettings.ReadWrite")
    again = run(tmp_path, "resume", "out", "--retry", "failed,denied", out="out-2")
    assert again.code == 0, again.err
    assert sorted(again.statuses()) == sorted(denied)
    assert again.manifest["parent"] == str(tmp_path / "out")
    assert first.statuses() == Done(0, "", "", tmp_path / "out").statuses(), "the first run stays as it was"
    nothing = run(tmp_path, "resume", "out-2", "--retry", "failed")
    assert nothing.code == 2
    unknown = run(tmp_path, "resume", "out", "--retry", "fialed")
    assert "not a status" in unknown.err


def test_a_list_from_a_pipe_is_kept_and_resumed(tenant: Tenant, tmp_path: Path) -> None:
    started = start(tmp_path, "run", "job.toml", "--input", "-", "--apply", "--max-changes", "3", feed=True)
    first = started.finish(tmp_path / "out", "\n".join(tenant.addresses()))
    assert first.code == 5, first.err
    resumed = run(tmp_path, "resume", "out", "--max-changes", "0")
    assert resumed.code == 0, resumed.err
    assert sorted(resumed.statuses()) == sorted(tenant.addresses())


def test_damage_is_refused_and_a_torn_end_is_cut(tenant: Tenant, tmp_path: Path) -> None:
    assert run(tmp_path, "run", "job.toml", "--apply", "--max-changes", "10").code == 5
    assert run(tmp_path, "resume", "out", "--max-changes", "20").code == 5
    journal = tmp_path / "out" / "outcomes.ndjson"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-7])
    lines = whole.splitlines(keepends=True)
    assert sum(b'"synced"' in line for line in lines) > 1, "a group of each"
    journal.write_bytes(whole.replace(b'"status"', b'"stAtus"', 1))
    damaged = run(tmp_path, "resume", "out")
    assert damaged.code == 7
    assert "damaged at byte 0" in damaged.err
    assert journal.read_bytes() == whole.replace(b'"status"', b'"stAtus"', 1), "nothing was repaired"
    journal.write_bytes(whole[:-7])
    resumed = run(tmp_path, "resume", "out", "--max-changes", "0")
    assert resumed.code == 0, resumed.err
    assert len(resumed.lines("outcomes.ndjson")) == len(resumed.statuses()) == EVERYBODY_THERE.mailboxes


def test_an_interrupt_says_how_to_go_on(tenant: Tenant, tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    job.write_text(job.read_text() + "\n[limits]\nrequests_per_second = 40\n")
    started = start(tmp_path, "run", "job.toml", "--apply")
    started.until(some_are_done(tmp_path))
    started.send(signal.SIGTERM)
    stopped = started.finish(tmp_path / "out")
    assert stopped.code == 143
    assert "bulkmail resume out" in stopped.out
    assert len(stopped.statuses()) == EVERYBODY_THERE.mailboxes
    resumed = run(tmp_path, "resume", "out")
    assert resumed.code == 0, resumed.err
    assert set(resumed.statuses().values()) == {"ok"}


def test_a_run_as_another_application_does_not_go_on(tenant: Tenant, tmp_path: Path) -> None:
    assert run(tmp_path, "run", "job.toml", "--max-duration", "1ms").code == 5
    manifest = tmp_path / "out" / "run.json"
    before = orjson.loads(manifest.read_bytes())
    manifest.write_bytes(orjson.dumps(before | {"app": before["app"] | {"tenant_id": "another"}}))
    for more in ([], ["--accept-changes"]):
        refused = run(tmp_path, "resume", "out", *more)
        assert refused.code == 2
        assert "app.tenant_id" in refused.err
