"""Runs that end before their work is done, as a shell starts them: each says so, accounts for every mailbox, and goes
on to the same end as if it had never been stopped."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkmail.sim import Settings, parse_fault
from bulkmail.sim.tenant.people import State
from bulkmail.testing.tenant import Done, Tenant, open_tenant, write_job, write_list
from tests.forked import Started, run, start

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")

TENANT = Settings(mailboxes=400, seed=5, latency=0.01, absent=0.0, denied=0.3, moving=0.0)
LIST = '[input]\npath = "mailboxes.csv"\n'
SLOWLY = "requests_per_second = 100\n"
LETTER = '[task]\nname = "mail.send"\nmode = "direct"\ncampaign = "notice"\nsubject = "A notice"\nbody = "Hello"\n'
ZONE = "Tonga Standard Time"
SETTINGS = f'[task]\nname = "settings.apply"\ntime_zone = "{ZONE}"\n'
FEW = 40


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    with open_tenant(tmp_path, TENANT) as opened:
        yield opened


def prepare(folder: Path, tenant: Tenant, addresses: list[str], job: str, limits: str = "") -> None:
    write_list(folder, addresses)
    write_job(folder, tenant.simulator, tenant.app, f"{LIST}\n{job}\n[limits]\n{limits}")


def present(tenant: Tenant) -> list[str]:
    directory = tenant.simulator.tenant
    return [one for one in tenant.addresses() if directory.state(directory.find(one)) is State.PRESENT]


def accounts(stopped: Done, code: int, mailboxes: int) -> Counter[str]:
    """A stopped run: its code and how to go on, and one outcome for everybody. Gives the outcomes by status."""
    assert stopped.code == code, stopped.err
    assert "bulkmail resume out" in stopped.out
    assert (stopped.manifest["state"], stopped.manifest["exit_code"]) == ("stopped", code)
    counted = Counter(stopped.statuses().values())
    assert len(stopped.lines("outcomes.ndjson")) == counted.total() == mailboxes
    assert {status: number for status, number in stopped.manifest["statuses"].items() if number} == counted
    assert counted["not_run"] > 0
    return counted


@pytest.mark.parametrize(("limit", "failures"), [("7", 7), ("0.1", 20)], ids=["count", "share"])
def test_too_many_failures(tenant: Tenant, tmp_path: Path, limit: str, failures: int) -> None:
    """A third of all is denied: a share of a tenth is passed once two hundred have ended."""
    everybody = tenant.addresses()
    expected = dict.fromkeys(everybody, "denied") | dict.fromkeys(present(tenant), "ok")
    prepare(tmp_path, tenant, everybody, "", f"max_failures = {limit}\n{SLOWLY}")
    stopped = run(tmp_path, "run", "job.toml")
    counted = accounts(stopped, 5, len(everybody))
    assert failures <= counted["denied"]
    assert f"limits.max_failures is {'10%' if limit == '0.1' else limit}" in stopped.manifest["reason"]

    more = Counter(run(tmp_path, "resume", "out").statuses().values())
    assert counted["not_run"] - more["not_run"] >= failures, "each start has the same patience"

    prepare(tmp_path, tenant, everybody, "", "max_failures = 0\n")  # without a word, a fifth of 200 is too many
    done = run(tmp_path, "resume", "out")
    assert done.code == 3, done.err
    assert done.statuses() == expected
    assert len(done.lines("outcomes.ndjson")) == len(everybody)
    assert sorted(row["mailbox"] for row in done.rows) == sorted(present(tenant))


def test_a_time_box_that_changes_things(tenant: Tenant, tmp_path: Path) -> None:
    some = present(tenant)[:FEW]
    prepare(tmp_path, tenant, some, SETTINGS, "requests_per_second = 20\nrequests_in_flight = 4\n")
    stopped = run(tmp_path, "run", "job.toml", "--apply", "--max-duration", "700ms")
    counted = accounts(stopped, 5, len(some))
    made = stopped.manifest["changes"].get("done", 0)
    assert made <= counted["ok"]

    done = run(tmp_path, "resume", "out")  # the box was of that start only
    assert done.code == 0, done.err
    assert set(done.statuses().values()) == {"ok"}
    assert done.manifest["changes"] == {"done": tenant.books()["effects"]["total"]}
    assert {row["mailbox"] for row in done.rows} == set(some)
    assert all(tenant.contents("settings", one)[0]["timeZone"] == ZONE for one in some)


def test_a_full_disk_ends_the_changes_too_and_then_the_rest(tenant: Tenant, tmp_path: Path) -> None:
    some = present(tenant)[:FEW]
    prepare(tmp_path, tenant, some, SETTINGS)
    stopped = start(tmp_path, "run", "job.toml", "--apply", largest=6000).finish(tmp_path / "out")
    assert stopped.code == 7, stopped.err
    assert "changes.ndjson" in stopped.err
    assert stopped.manifest["state"] == "failed"
    noted = (stopped.folder / "changes.ndjson").read_bytes().count(b'"intended"')  # the last line is torn
    assert 0 < tenant.books()["effects"]["total"] <= noted < FEW, "nothing left unnoted"

    done = run(tmp_path, "resume", "out")
    assert done.code == 0, done.err
    assert list(done.statuses().values()) == ["ok"] * FEW
    assert len(done.lines("outcomes.ndjson")) == FEW
    assert {row["mailbox"] for row in done.rows} == set(some)
    assert all(tenant.contents("settings", one)[0]["timeZone"] == ZONE for one in some)


def interrupt(started: Started, tenant: Tenant, struck: int) -> None:
    """Once when so many requests were struck and wait for their answers, and once more when that was heard."""
    started.until(lambda: tenant.books()["faults"].get("slow", 0) >= struck)
    started.send(signal.SIGINT)
    started.until(lambda: "once more" in started.err)
    started.send(signal.SIGINT)


@pytest.mark.parametrize("task", [SETTINGS, LETTER], ids=["idempotent", "none"])
def test_a_second_interrupt_and_then_the_rest(tenant: Tenant, tmp_path: Path, task: str) -> None:
    """What was under way ends without its answer: it is made once more where that does no harm, and never elsewhere."""
    some = present(tenant)[:FEW]
    prepare(tmp_path, tenant, some, task, "requests_in_flight = 4\n")
    script = tenant.simulator.world.script
    script.load([parse_fault("slow:match=^(PATCH|POST) ,total=4,seconds=30")])
    started = start(tmp_path, "run", "job.toml", "--apply")
    interrupt(started, tenant, 4)
    stopped = started.finish(tmp_path / "out")
    assert accounts(stopped, 130, len(some))["not_run"] == len(some)
    assert stopped.manifest["changes"]["unknown"] >= 4

    script.load([])
    done = run(tmp_path, "resume", "out")
    counted = Counter(done.statuses().values())
    assert len(done.lines("outcomes.ndjson")) == counted.total() == len(some)
    if task is SETTINGS:
        assert (done.code, counted) == (0, {"ok": len(some)}), done.err
        assert all(tenant.contents("settings", one)[0]["timeZone"] == ZONE for one in some)
    else:
        assert stopped.manifest["changes"]["unknown"] == 4, "what still waited for its turn has not left"
        assert (done.code, counted) == (3, {"ok": len(some) - 4, "unknown": 4}), done.err
        sent = [len(tenant.contents("sent", one)) for one in some]
        assert max(sent) == 1
        assert sum(sent) >= len(some) - 4
