"""`bulkmail undo`: it takes back what a run changed, by what the run wrote down, and touches nothing else."""

import json
from pathlib import Path

import pytest

from bulkmail.testing.tenant import Done
from tests.cli.conftest import APPLY, LIST, REPORT, ZONE, Desk

SETTLING = "a write to settle, mailbox"


@pytest.fixture
def before(own: Desk) -> list[object]:
    """The time zones as they were."""
    return list(own.zones())


@pytest.fixture
def applied(own: Desk, before: list[object]) -> Done:
    done = own.bulkmail("run", own.job(APPLY), "--apply")
    assert done.code == 0, done.err
    assert own.zones() != before
    return done


def killed(own: Desk, applied: Done) -> Done:
    """Leaves a run as a kill does that comes when the write of one mailbox has left and was not answered yet."""
    ledger = applied.folder / "changes.ndjson"
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(line for line in lines if b'"intended"' in line)[: len(lines[0])])
    (applied.folder / "outcomes.ndjson").write_bytes(b"")
    beat = {"boot": "another one", "up": 1.0}  # no clock tells how long ago that was
    (applied.folder / ".alive").write_text(json.dumps(beat))
    own.edit(applied, state="running", exit_code=None)
    return applied


def test_it_only_plans_unless_it_is_told_to_apply(own: Desk, applied: Done, before: list[object]) -> None:
    zones = own.zones()
    plan = own.bulkmail("undo", applied.folder, out="out-undo")
    assert plan.code == 0, plan.err
    assert plan.manifest["changes"] == {"planned": applied.manifest["changes"]["done"]}
    assert own.zones() == zones != before
    assert f"bulkmail apply {plan.folder}" in plan.out


def test_what_was_changed_is_put_back(own: Desk, applied: Done, before: list[object]) -> None:
    done = own.bulkmail("undo", applied.folder, "--apply", "--output", own.folder / "back", out="back")
    assert done.code == 0, done.err
    assert own.zones() == before
    assert {row["result"] for row in done.rows} == {"restored"}
    assert (done.manifest["undo"], done.manifest["parent"]) == (True, str(applied.folder))
    assert done.manifest["input"]["mailboxes"] == applied.manifest["changes"]["done"]


@pytest.mark.parametrize(
    "now",
    [
        APPLY.replace(ZONE, "Tonga Standard Time"),
        REPORT,
        f'{LIST}\n[task]\nname = "contacts.sync"\n',
        '[input]\nusers = ""\n[task]\nname = "settings.apply"\nlanguage = "de-DE"\n',
    ],
    ids=["another option", "another task", "a task without its options", "another input"],
)  # fmt: skip
def test_it_acts_by_the_words_of_the_run_whatever_the_job_says_now(
    own: Desk, applied: Done, before: list[object], now: str
) -> None:
    own.job(now)
    done = own.bulkmail("undo", applied.folder, "--apply", out="out-undo")
    assert done.code == 0, done.err
    assert own.zones() == before
    assert done.manifest["task"] == "settings.apply"
    assert done.manifest["options"] == applied.manifest["options"]


@pytest.mark.parametrize("key", ["tenant_id", "client_id"])
def test_a_job_of_another_application_is_refused(own: Desk, applied: Done, key: str) -> None:
    zones, requests = own.zones(), own.tenant.books()["requests"]
    own.job(APPLY, **{key: "6a1f0f5e-0000-4000-8000-00000000ffff"})
    done = own.bulkmail("undo", applied.folder, "--apply", out="out-undo")
    assert done.code == 2
    assert "names another application or tenant than the run had" in done.err
    assert f"app.{key}" in done.err
    assert (own.zones(), own.tenant.books()["requests"]) == (zones, requests)
    assert not done.folder.exists()


def test_a_task_in_a_file_is_found_though_the_job_names_another(own: Desk, tmp_path: Path) -> None:
    source = (
        "from dataclasses import replace\n"
        "from bulkmail.tasks import find\n"
        "from pathlib import Path\n"
        "mine = replace(find('settings.apply', Path()), name='mine')\n"
    )
    (tmp_path / "mine.py").write_text(source)
    before = own.zones()
    done = own.bulkmail("run", own.job(APPLY.replace('"settings.apply"', '"mine.py:mine"')), "--apply")
    assert done.code == 0, done.err
    own.job(REPORT)
    undone = own.bulkmail("undo", done.folder, "--apply", out="out-undo")
    assert undone.code == 0, undone.err
    assert own.zones() == before
    (tmp_path / "mine.py").write_text(source.replace("'mine'", "'yours'"))
    refused = own.bulkmail("undo", done.folder, "--apply", out="out-undo-2")
    assert refused.code == 2
    assert "the run was one of mine" in refused.err


def test_a_write_that_was_under_way_may_settle_first(own: Desk, applied: Done) -> None:
    own.job(f'{APPLY}\n[limits]\nsettle = "2s"\n')
    done = own.bulkmail("undo", killed(own, applied).folder, "--apply", out="out-undo")
    assert done.code == 0, done.err
    assert done.manifest["waits"][SETTLING]["times"] == 1
    assert {row["result"] for row in done.rows} == {"restored"}


def test_so_it_may_before_an_undo_that_is_resumed(own: Desk, applied: Done, before: list[object]) -> None:
    own.job(f'{APPLY}\n[limits]\nsettle = "2s"\n')
    first = own.bulkmail("undo", killed(own, applied).folder, "--apply", "--max-duration", "1ms", out="out-undo")
    assert first.code == 5, first.err
    own.job(f'{REPORT}\n[limits]\nsettle = "2s"\n')
    done = own.bulkmail("resume", first.folder, out="out-undo")
    assert done.code == 0, done.err
    assert SETTLING in done.manifest["waits"]
    assert {row["result"] for row in done.rows} == {"restored"}
    assert done.manifest["task"] == "settings.apply"


def test_what_is_resumed_without_its_parent_says_so(own: Desk, applied: Done, before: list[object]) -> None:
    first = own.bulkmail("undo", applied.folder, "--apply", "--max-duration", "1ms", out="out-undo")
    assert first.code == 5, first.err
    applied.folder.rename(own.folder / "moved")
    done = own.bulkmail("resume", first.folder, out="out-undo")
    assert done.code == 0, done.err
    assert "late writes are not waited for" in done.err
    assert own.zones() == before


def test_what_changed_nothing_cannot_be_undone(own: Desk) -> None:
    report = own.bulkmail("run", own.job(REPORT))
    done = own.bulkmail("undo", report.folder)
    assert done.code == 2
    assert "changed nothing: it was only a report" in done.err
    plan = own.bulkmail("run", own.job(APPLY), out="out-2")
    assert "it was only a plan" in own.bulkmail("undo", plan.folder).err


def test_a_retry_of_an_undo_is_refused(own: Desk, applied: Done) -> None:
    undone = own.bulkmail("undo", applied.folder, "--apply", out="out-undo")
    done = own.bulkmail("resume", undone.folder, "--retry", "ok")
    assert done.code == 2
    assert "cannot be run again in part" in done.err
