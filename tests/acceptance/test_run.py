"""`bulkmail run` as a shell starts it, against a tenant that keeps books.

Each run is made once, when a test first asks for it, and the tests look at what came out.
"""

import csv
import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from bulkmail.model import Mailbox
from bulkmail.sim import Settings, Simulator
from bulkmail.sim.families.settings.content import settings_of
from bulkmail.tasks.settings.report import COLUMNS, SEED_COLUMNS, full_row, seed_row
from tests import forked
from tests.acceptance.cases import CASES, LIST, TENANT, size, status_of
from tests.acceptance.tenant import PASSWORD, Desk, Done, Keys, tenant

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and file limits are POSIX")

SLOW = Settings(mailboxes=40, seed=7, latency=30.0, absent=0.0, denied=0.0, moving=0.0, tls=False)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.make(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def sim(keys: Keys) -> Iterator[Simulator]:
    with tenant(keys, TENANT) as simulator:
        yield simulator


Runs = Callable[[str], Done]


@pytest.fixture(scope="module")
def runs(sim: Simulator, keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """A case by its name, run when it is first asked for."""
    cases = {case.__name__: case for case in CASES}

    @cache
    def of(name: str) -> Done:
        return cases[name](Desk(tmp_path_factory.mktemp(name), keys), sim)

    return of


def all_of(runs: Runs) -> list[Done]:
    return [runs(case.__name__) for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.__name__))
def test_exit_code_and_accounts(case: Callable[[Desk, Simulator], Done], runs: Runs) -> None:
    done = runs(case.__name__)
    assert done.code == CASES[case], done.err
    assert "Traceback" not in done.err
    if (done.folder / "run.json").exists():
        manifest = done.manifest
        assert manifest["exit_code"] == done.code
        assert manifest["counts"]["rows"] >= manifest["counts"]["unique"]
        assert sum(manifest["statuses"].values()) == manifest["counts"]["unique"] or done.code == 7
        (count,) = {len(done.lines("outcomes.ndjson"))} if done.code != 7 else {sum(manifest["statuses"].values())}
        assert count == sum(manifest["statuses"].values())


def test_statuses_are_those_of_the_tenant(runs: Runs, sim: Simulator) -> None:
    done = runs("whole")
    assert done.statuses() == {address: status_of(sim, address) for address in sim.addresses()}
    assert set(done.statuses().values()) == {"ok", "absent", "denied"}
    counts = done.manifest["counts"]
    assert counts == {"rows": 304, "unique": 300, "duplicates": 1, "blank": 1, "invalid": 2}


def test_rejected_rows_are_kept_with_their_reason(runs: Runs) -> None:
    with (runs("whole").folder / "rejected.csv").open(newline="") as file:
        rows = [(row["row"], row["reason"]) for row in csv.DictReader(file)]
    assert rows == [("302", "duplicate"), ("303", "blank"), ("304", "invalid"), ("305", "invalid")]


def test_records_are_what_the_mailboxes_hold(runs: Runs, sim: Simulator) -> None:
    done, now = runs("whole"), datetime.now(UTC)
    expected = {}
    for number, address in enumerate(sim.addresses()):
        if status_of(sim, address) == "ok":
            expected[address] = full_row(Mailbox(address, 0), settings_of(sim.world, number), "text", lambda: now)
    assert {row["mailbox"]: row for row in done.lines("records.ndjson")} == expected
    with (done.folder / "records.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        zones = {row["mailbox"].removeprefix("'"): row["time_zone"] for row in reader}
    assert reader.fieldnames == list(COLUMNS)
    assert zones == {address: row["time_zone"] or "" for address, row in expected.items()}


def test_offsets_cover_the_rows_exactly(runs: Runs) -> None:
    done = runs("whole")
    last = done.lines("outcomes.ndjson")[-1]["offsets"]
    assert last == {name: size(done.folder / name) for name in ("records.ndjson", "records.csv")}
    assert all(done.manifest["outputs"][name]["bytes"] == last[name] for name in last)


def test_json_is_the_manifest_and_its_place(runs: Runs) -> None:
    done = runs("whole")
    printed = json.loads(done.out)
    assert Path(printed.pop("directory")).name == "out"
    assert printed == done.manifest


def test_absent_mailboxes_are_no_failure_and_leave_no_list(runs: Runs) -> None:
    done = runs("clean")
    assert set(done.statuses().values()) == {"ok", "absent"}
    assert not (done.folder / "failed.csv").exists()
    assert "no cloud mailbox" in done.out or "no such user" in done.out


def test_seed_columns_in_their_order(runs: Runs, sim: Simulator) -> None:
    done = runs("seed_columns")
    rows = done.lines("records.ndjson")
    assert all(list(row) == list(SEED_COLUMNS) for row in rows)
    expected = [
        seed_row(Mailbox(address, 0), settings_of(sim.world, number))
        for number, address in enumerate(sim.addresses(7))
        if status_of(sim, address) == "ok"
    ]
    assert sorted(rows, key=str) == sorted(expected, key=str)
    assert done.manifest["counts"]["unique"] == 7


def test_a_batched_run_says_the_same_as_a_plain_one(runs: Runs) -> None:
    plain, batched = runs("whole"), runs("batched")
    assert batched.statuses() == plain.statuses()
    assert sorted(map(str, batched.lines("records.ndjson"))) == sorted(map(str, plain.lines("records.ndjson")))


def test_the_directory_as_input(runs: Runs, sim: Simulator) -> None:
    users, group = runs("of_users"), runs("of_group")
    ids = {line["id"] for line in users.lines("outcomes.ndjson")}
    everybody = range(TENANT.mailboxes)
    assert ids == {sim.tenant.guid(n) for n in everybody if sim.tenant.user(n)["mail"]}
    assert {line["id"] for line in group.lines("outcomes.ndjson")} == {
        sim.tenant.guid(n) for n in sim.world.groups.users(2, transitive=True)
    }


def test_a_list_from_a_pipe(runs: Runs, sim: Simulator) -> None:
    assert set(runs("piped").statuses()) == set(sim.addresses(5))


def test_mistakes_are_named_before_anything_is_done(runs: Runs) -> None:
    misspelt, broken = runs("misspelt"), runs("no_list")
    assert "limits.bach is not a setting; did you mean batch?" in misspelt.err
    assert "job.toml:16" in misspelt.err
    assert "begins in line 52 has a quote" in broken.err
    assert not misspelt.folder.exists()
    assert not broken.folder.exists()


def test_a_missing_permission_is_named(runs: Runs) -> None:
    done = runs("unpermitted")
    assert "MailboxSettings.Read" in done.err
    assert done.manifest["state"] == "failed"
    assert set(done.statuses().values()) <= {"denied", "not_run", "absent"}


@pytest.mark.parametrize("name", ["time_boxed", "interrupted"])
def test_a_run_that_is_stopped_accounts_for_everybody(name: str, runs: Runs) -> None:
    done = runs(name)
    statuses = done.statuses()
    assert len(statuses) == TENANT.mailboxes
    assert statuses.keys() == {line["mailbox"] for line in done.lines("outcomes.ndjson")}
    counted = Counter(statuses.values())
    assert counted["ok"] > 0
    assert counted["not_run"] > 0
    assert counted["failed"] == 0
    assert done.manifest["state"] == "stopped"
    with (done.folder / "failed.csv").open(newline="") as file:
        assert Counter(row["status"] for row in csv.DictReader(file))["not_run"] == counted["not_run"]


def test_another_process_is_left_alone(runs: Runs) -> None:
    done = runs("held")
    assert "is held by another process" in done.err
    assert [path.name for path in done.folder.iterdir()] == [".lock"]


def test_a_full_disk_leaves_the_truth(runs: Runs) -> None:
    done = runs("disk_full")
    assert done.manifest["state"] == "failed"
    assert "records" in done.err
    assert all(size(path) <= 20_000 for path in done.folder.iterdir())


def test_failed_mailboxes_can_be_run_again(runs: Runs, sim: Simulator) -> None:
    done = runs("again")
    denied = {address for address in sim.addresses() if status_of(sim, address) == "denied"}
    assert done.statuses() == dict.fromkeys(denied, "denied")
    assert done.folder.name == "out-2"


def test_no_secret_is_anywhere(runs: Runs, keys: Keys) -> None:
    seen = []
    for done in all_of(runs):
        seen += [done.out.encode(), done.err.encode()]
        seen += [path.read_bytes() for path in done.folder.rglob("*") if path.is_file()] if done.folder.exists() else []
    everything = b"\n".join(seen)
    assert len(everything) > 100_000
    for canary in (PASSWORD, "eyJ", "Bearer", "PRIVATE KEY", (keys.folder / "app.pass").read_text().strip()):
        assert canary.encode() not in everything


def test_files_are_private(runs: Runs) -> None:
    done = runs("whole")
    assert done.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in done.folder.iterdir()} == {0o600}


def test_the_service_saw_no_limit_broken(runs: Runs, sim: Simulator) -> None:
    assert all_of(runs)
    books = sim.books()
    assert books["breaches"] == {}
    assert books["early"] == 0
    assert books["most_in_flight_per_mailbox"] <= 4
    assert books["batches"] > 0


def test_a_stranger_gets_no_token_and_asks_for_nothing(keys: Keys, tmp_path: Path) -> None:
    """And a second interrupt ends a run that waits for its answers, at once."""
    with tenant(keys, SLOW) as slow:
        desk = Desk(tmp_path, keys)
        desk.write_list(list(slow.addresses()))
        desk.write_job(slow, LIST, key="stranger")
        refused = desk.run()
        assert refused.code == 4
        assert "AADSTS700027" in refused.err
        assert not refused.folder.exists()
        assert slow.books()["requests"] == slow.books()["in_flight"] == 0

        desk.write_job(slow, LIST)
        started = desk.start(anew=True)
        started.until(lambda: slow.books()["in_flight"] > 0)
        started.send(signal.SIGINT)
        started.until(lambda: "once more" in started.err)
        started.send(signal.SIGINT)
        done = started.finish(tmp_path / "out")
        assert done.code == 130
        assert set(done.statuses().values()) == {"not_run"}
        assert len(done.statuses()) == SLOW.mailboxes


def test_show_tells_it_again(runs: Runs) -> None:
    done = runs("whole")
    shown = forked.run(done.folder.parent, "show", str(done.folder), anew=True)
    assert shown.code == 0, shown.err
    assert "300 unique + 1 duplicate + 1 blank + 2 invalid" in shown.out
