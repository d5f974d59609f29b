"""`bulkmail run` as a shell starts it, against a tenant that keeps books.

A command takes a second to start, so the runs are made a few at a time, once each, and the tests look at what came out.
"""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from bulkmail.model import Mailbox
from bulkmail.sim import Settings, Simulator
from bulkmail.sim.tenant import State
from bulkmail.tasks.settings_report import COLUMNS, SEED_COLUMNS, full_row, seed_row
from tests.acceptance.tenant import BARE, PASSWORD, Desk, Done, Keys, tenant

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and file limits are POSIX")

TENANT = Settings(mailboxes=300, seed=7, latency=0.01, absent=0.05, denied=0.03, moving=0.0)
SLOW = Settings(mailboxes=40, seed=7, latency=30.0, absent=0.0, denied=0.0, moving=0.0, tls=False)
SETTINGS_ONLY = '[limits]\nrequests_per_second = 20\n[input]\npath = "mailboxes.csv"'
LIST = '[input]\npath = "mailboxes.csv"'
STRANGE_ROWS = ["", "no address", "two@at@example.com"]

STATUS = {State.PRESENT: "ok", State.DENIED: "denied"}


def status_of(simulator: Simulator, address: str) -> str:
    state = simulator.tenant.state(simulator.tenant.find(address))
    return "absent" if state.absent else STATUS[state]


def whole(desk: Desk, sim: Simulator) -> Done:
    """Everybody, somebody twice, and rows that are nobody."""
    everybody = list(sim.addresses())
    desk.write_list([*everybody, everybody[0].upper(), *STRANGE_ROWS])
    desk.write_job(sim, LIST)
    return desk.run("--json")


def clean(desk: Desk, sim: Simulator) -> Done:
    """Those who have a mailbox, and those who have none."""
    desk.write_list([address for address in sim.addresses() if status_of(sim, address) != "denied"][:30])
    desk.write_job(sim, LIST)
    return desk.run()


def seed_columns(desk: Desk, sim: Simulator) -> Done:
    desk.write_list(list(sim.addresses(20)))
    desk.write_job(sim, LIST)
    return desk.run("--set", "task.columns=seed", "--limit", "7")


def batched(desk: Desk, sim: Simulator) -> Done:
    desk.write_list(list(sim.addresses()))
    desk.write_job(sim, LIST + "\n[limits]\nbatch = true")
    return desk.run("--log-json")


def piped(desk: Desk, sim: Simulator) -> Done:
    desk.write_job(sim, '[input]\ngroup = "set aside by the flag"')
    return desk.run("--input", "-", text="".join(f"{address}\n" for address in sim.addresses(5)))


def of_users(desk: Desk, sim: Simulator) -> Done:
    desk.write_job(sim, '[input]\nusers = ""')
    return desk.run("--no-progress")


def of_group(desk: Desk, sim: Simulator) -> Done:
    desk.write_job(sim, f'[input]\ngroup = "{sim.world.groups.ids[2]}"')
    return desk.run()


def misspelt(desk: Desk, sim: Simulator) -> Done:
    desk.write_job(sim, '[limits]\nbach = true\n[input]\npath = "mailboxes.csv"')
    return desk.run()


def no_list(desk: Desk, sim: Simulator) -> Done:
    """A quote in the last row that is never closed."""
    desk.write_list([*list(sim.addresses(50)), '"left open', "next@example.com"])
    desk.write_job(sim, LIST)
    return desk.run()


def unpermitted(desk: Desk, sim: Simulator) -> Done:
    desk.write_list(list(sim.addresses()))
    desk.write_job(sim, LIST, client=BARE)
    return desk.run()


def time_boxed(desk: Desk, sim: Simulator) -> Done:
    desk.write_list(list(sim.addresses()))
    desk.write_job(sim, SETTINGS_ONLY)
    return desk.run("--max-duration", "500ms")


def held(desk: Desk, sim: Simulator) -> Done:
    desk.write_list(list(sim.addresses(3)))
    desk.write_job(sim, LIST)
    (desk.folder / "out").mkdir()
    with FileLock(desk.folder / "out" / ".lock"):
        return desk.run()


def disk_full(desk: Desk, sim: Simulator) -> Done:
    desk.write_list(list(sim.addresses()))
    desk.write_job(sim, LIST)
    return desk.run(largest=20_000)


def interrupted(desk: Desk, sim: Simulator) -> Done:
    desk.write_list(list(sim.addresses()))
    desk.write_job(sim, SETTINGS_ONLY)
    process = desk.start()
    until(lambda: size(desk.folder / "out" / "outcomes.ndjson") > 0, process)
    process.send_signal(signal.SIGINT)
    return desk.finish(process)


def terminated(desk: Desk, sim: Simulator) -> Done:
    """Waiting for a list that does not come."""
    desk.write_job(sim, '[input]\npath = "-"')
    process = desk.start(stdin=subprocess.PIPE)
    until((desk.folder / "out" / "outcomes.ndjson").exists, process)
    process.send_signal(signal.SIGTERM)
    code = process.wait(30)  # the pipe is still open
    done = desk.finish(process)
    assert done.code == code
    return done


def again(desk: Desk, sim: Simulator) -> Done:
    """What failed in a first run, run again beside it."""
    desk.write_list(list(sim.addresses()))
    desk.write_job(sim, LIST + "\n[limits]\nstop_if_denied = 0")
    first = desk.run()
    return desk.run("--input", str(first.folder / "failed.csv"), folder="out-2")


CASES: dict[Callable[[Desk, Simulator], Done], int] = {
    whole: 3,
    clean: 0,
    seed_columns: 0,
    batched: 3,
    piped: 0,
    of_users: 3,
    of_group: 3,
    misspelt: 2,
    no_list: 2,
    unpermitted: 4,
    time_boxed: 5,
    held: 6,
    disk_full: 7,
    interrupted: 130,
    terminated: 143,
    again: 3,
}


def until(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.make(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def sim(keys: Keys) -> Iterator[Simulator]:
    with tenant(keys, TENANT) as simulator:
        yield simulator


Runs = dict[str, "Future[Done]"]


@pytest.fixture(scope="module")
def runs(sim: Simulator, keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with ThreadPoolExecutor(3) as pool:
        yield {
            case.__name__: pool.submit(case, Desk(tmp_path_factory.mktemp(case.__name__), keys), sim) for case in CASES
        }


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.__name__))
def test_exit_code_and_accounts(case: Callable[[Desk, Simulator], Done], runs: Runs) -> None:
    done = runs[case.__name__].result()
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
    done = runs["whole"].result()
    assert done.statuses() == {address: status_of(sim, address) for address in sim.addresses()}
    assert set(done.statuses().values()) == {"ok", "absent", "denied"}
    counts = done.manifest["counts"]
    assert counts == {"rows": 304, "unique": 300, "duplicates": 1, "blank": 1, "invalid": 2}


def test_rejected_rows_are_kept_with_their_reason(runs: Runs) -> None:
    with (runs["whole"].result().folder / "rejected.csv").open(newline="") as file:
        rows = [(row["row"], row["reason"]) for row in csv.DictReader(file)]
    assert rows == [("302", "duplicate"), ("303", "blank"), ("304", "invalid"), ("305", "invalid")]


def test_records_are_what_the_mailboxes_hold(runs: Runs, sim: Simulator) -> None:
    done = runs["whole"].result()
    expected = {}
    for number, address in enumerate(sim.addresses()):
        if status_of(sim, address) == "ok":
            expected[address] = full_row(Mailbox(address, 0), sim.world.mailboxes.settings(number), "text")
    assert {row["mailbox"]: row for row in done.lines("records.ndjson")} == expected
    with (done.folder / "records.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        zones = {row["mailbox"].removeprefix("'"): row["time_zone"] for row in reader}
    assert reader.fieldnames == list(COLUMNS)
    assert zones == {address: row["time_zone"] or "" for address, row in expected.items()}


def test_offsets_cover_the_rows_exactly(runs: Runs) -> None:
    done = runs["whole"].result()
    last = done.lines("outcomes.ndjson")[-1]["offsets"]
    assert last == {name: size(done.folder / name) for name in ("records.ndjson", "records.csv")}
    assert all(done.manifest["outputs"][name]["bytes"] == last[name] for name in last)


def test_json_is_the_manifest_and_its_place(runs: Runs) -> None:
    done = runs["whole"].result()
    printed = json.loads(done.out)
    assert Path(printed.pop("directory")).name == "out"
    assert printed == done.manifest


def test_absent_mailboxes_are_no_failure_and_leave_no_list(runs: Runs) -> None:
    done = runs["clean"].result()
    assert set(done.statuses().values()) == {"ok", "absent"}
    assert not (done.folder / "failed.csv").exists()
    assert "no mailbox there" in done.out


def test_seed_columns_in_their_order(runs: Runs, sim: Simulator) -> None:
    done = runs["seed_columns"].result()
    rows = done.lines("records.ndjson")
    assert all(list(row) == list(SEED_COLUMNS) for row in rows)
    mailboxes = sim.world.mailboxes
    expected = [
        seed_row(Mailbox(address, 0), mailboxes.settings(number))
        for number, address in enumerate(sim.addresses(7))
        if status_of(sim, address) == "ok"
    ]
    assert sorted(rows, key=str) == sorted(expected, key=str)
    assert done.manifest["counts"]["unique"] == 7


def test_a_batched_run_says_the_same_as_a_plain_one(runs: Runs) -> None:
    plain, batched = runs["whole"].result(), runs["batched"].result()
    assert batched.statuses() == plain.statuses()
    assert sorted(map(str, batched.lines("records.ndjson"))) == sorted(map(str, plain.lines("records.ndjson")))


def test_the_directory_as_input(runs: Runs, sim: Simulator) -> None:
    users, group = runs["of_users"].result(), runs["of_group"].result()
    ids = {line["id"] for line in users.lines("outcomes.ndjson")}
    everybody = range(TENANT.mailboxes)
    assert ids == {sim.tenant.guid(n) for n in everybody if sim.tenant.user(n)["mail"]}
    assert {line["id"] for line in group.lines("outcomes.ndjson")} == {
        sim.tenant.guid(n) for n in sim.world.groups.users(2, transitive=True)
    }


def test_a_list_from_a_pipe(runs: Runs, sim: Simulator) -> None:
    assert set(runs["piped"].result().statuses()) == set(sim.addresses(5))


def test_mistakes_are_named_before_anything_is_done(runs: Runs) -> None:
    misspelt, broken = runs["misspelt"].result(), runs["no_list"].result()
    assert "limits.bach is no setting; did you mean batch?" in misspelt.err
    assert "job.toml:16" in misspelt.err
    assert "begins in line 52 has a quote" in broken.err
    assert not misspelt.folder.exists()
    assert not broken.folder.exists()


def test_a_missing_permission_is_named(runs: Runs) -> None:
    done = runs["unpermitted"].result()
    assert "MailboxSettings.Read" in done.err
    assert done.manifest["state"] == "failed"
    assert set(done.statuses().values()) <= {"denied", "not_run", "absent"}


@pytest.mark.parametrize("name", ["time_boxed", "interrupted"])
def test_a_run_that_is_stopped_accounts_for_everybody(name: str, runs: Runs) -> None:
    done = runs[name].result()
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
    done = runs["held"].result()
    assert "is held by another process" in done.err
    assert [path.name for path in done.folder.iterdir()] == [".lock"]


def test_a_full_disk_leaves_the_truth(runs: Runs) -> None:
    done = runs["disk_full"].result()
    assert done.manifest["state"] == "failed"
    assert "records" in done.err
    assert all(size(path) <= 20_000 for path in done.folder.iterdir())


def test_failed_mailboxes_can_be_run_again(runs: Runs, sim: Simulator) -> None:
    done = runs["again"].result()
    denied = {address for address in sim.addresses() if status_of(sim, address) == "denied"}
    assert done.statuses() == dict.fromkeys(denied, "denied")
    assert done.folder.name == "out-2"


def test_no_secret_is_anywhere(runs: Runs, keys: Keys) -> None:
    seen = []
    for run in runs.values():
        done = run.result()
        seen += [done.out.encode(), done.err.encode()]
        seen += [path.read_bytes() for path in done.folder.rglob("*") if path.is_file()] if done.folder.exists() else []
    everything = b"\n".join(seen)
    assert len(everything) > 100_000
    for canary in (PASSWORD, "eyJ", "Bearer", "PRIVATE KEY", (keys.folder / "app.pass").read_text().strip()):
        assert canary.encode() not in everything


def test_files_are_private(runs: Runs) -> None:
    done = runs["whole"].result()
    assert done.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in done.folder.iterdir()} == {0o600}


def test_the_service_saw_no_limit_broken(runs: Runs, sim: Simulator) -> None:
    for run in runs.values():
        run.result()
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
        process = desk.start()
        until(lambda: slow.books()["in_flight"] > 0, process)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "once more" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        done = desk.finish(process)
        assert done.code == 130
        assert set(done.statuses().values()) == {"not_run"}
        assert len(done.statuses()) == SLOW.mailboxes


def test_show_tells_it_again(runs: Runs) -> None:
    done = runs["whole"].result()
    shown = subprocess.run(
        [sys.executable, "-m", "bulkmail", "show", str(done.folder)],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert "300 unique + 1 duplicates + 1 blank + 2 invalid" in shown.stdout
