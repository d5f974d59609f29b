"""`run.json`: whole at any time, and read back as it was written."""

import hashlib
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from bulkmail.errors import InputError
from bulkmail.model import Counts, Event
from bulkmail.rundir.manifest import Manifest, digests, read, recall, sums, waits
from bulkmail.rundir.totals import Totals

BEGUN = Manifest(
    task="settings.report", code="v1", mode="read", output={}, job={}, options={"columns": "all"},
    input={"path": "a.csv"}, app={"client_id": "c"},
    limits={"batch": False}, version="1", started="2026-11-23T22:15:03+00:00",
)  # fmt: skip


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    BEGUN.write(tmp_path)
    assert read(tmp_path)["state"] == "running"
    replace(BEGUN, state="finished", exit_code=0, counts=Counts(3, 2, 1, 0), sums=sums(Totals())).write(tmp_path)
    found = read(tmp_path)
    assert (found["state"], found["exit_code"], found["task"]) == ("finished", 0, "settings.report")
    assert found["counts"] == {"unique": 3, "duplicates": 2, "blank": 1, "invalid": 0, "rows": 6}
    assert found["sums"]["mailboxes"] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_run_that_goes_on_remembers_what_was_waited_for(tmp_path: Path) -> None:
    first, second = Totals(), Totals()
    for totals in (first, second):
        totals.hear(Event("throttled", "x, mailbox", "ada@example.com", 2.0, 1.5))
        totals.hear(Event("retried", "503"))
    replace(BEGUN, state="stopped", sums=sums(first), waits=waits(first)).write(tmp_path)
    recall(second, read(tmp_path))
    assert (second.retried, waits(second)) == (2, {"x, mailbox": {"times": 2, "seconds": 3.0}})
    killed = Totals()
    BEGUN.write(tmp_path)
    recall(killed, read(tmp_path))
    assert (killed.retried, waits(killed)) == (0, {})


def test_a_directory_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no run directory"):
        read(tmp_path)
    for content in (b"", b"{", b"[1]", b'{"format": 99}', b"5"):
        (tmp_path / "run.json").write_bytes(content)
        with pytest.raises(InputError):
            read(tmp_path)


def test_digests_of_the_files_that_there_are(tmp_path: Path) -> None:
    content = orjson.dumps(list(range(300_000)))
    (tmp_path / "a").write_bytes(content)
    assert digests(tmp_path, ["a", "b"]) == {
        "a": {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    }
