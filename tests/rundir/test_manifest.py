"""`run.json`: whole at any time, and read back as it was written."""

import getpass
import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import pytest

from bulkmail.errors import InputError
from bulkmail.model import Counts, Digest, Event
from bulkmail.rundir.figures import carry_over, sums, waits
from bulkmail.rundir.manifest import (
    JobFile,
    Manifest,
    PinnedApp,
    PinnedInput,
    PinnedOutput,
    Sums,
    Waited,
    now,
    user,
)
from bulkmail.rundir.totals import Totals

BEGUN = Manifest(
    task="settings.report", code="v1", mode="read", output=PinnedOutput(), job=JobFile("job.toml", {"input.limit": 3}),
    options={"columns": "all"}, input=PinnedInput("a.csv"), app=PinnedApp(client_id="c"),
    limits={"batch": False}, version="1", started="2026-11-23T22:15:03+00:00",
)  # fmt: skip
ENDED = replace(
    BEGUN, state="finished", exit_code=0, ended="2026-11-23T22:16:03+00:00", seconds=60.0, counts=Counts(3, 2, 1, 0),
    statuses={"ok": 3}, sums=Sums(3, 3, 4, 1, 1, 0.5), changes={"done": 1}, waits={"x, mailbox": Waited(1, 2.5)},
    problems={"failed X": 1}, outputs={"records.csv": Digest(7, "abc")}, parent="/other", undo=True, reason="none",
    input=PinnedInput("a.csv", "mail", None, "", 0, 0, "abc", 0),
)  # fmt: skip


@pytest.mark.parametrize("manifest", [BEGUN, ENDED])
def test_it_is_read_as_it_was_written(tmp_path: Path, manifest: Manifest) -> None:
    written = manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == written
    assert replace(written, pid=0, host="", user="") == manifest
    assert written.user == getpass.getuser()
    assert written.pid == os.getpid()
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_what_stands_in_the_file(tmp_path: Path) -> None:
    ENDED.write(tmp_path)
    found = orjson.loads((tmp_path / "run.json").read_bytes())
    assert found["format"] == 3
    assert found["counts"] == {"unique": 3, "duplicates": 2, "blank": 1, "invalid": 0, "rows": 6}
    assert found["input"] == {"path": "a.csv", "column": "mail", "bytes": 0, "sha256": "abc", "mailboxes": 0}
    assert found["app"] == {"client_id": "c"}
    assert found["output"] == {
        "format": ["ndjson", "csv"], "raw": False, "bom": False, "delimiter": ",", "decimal_comma": False,
        "order": "done", "blobs": "",
    }  # fmt: skip
    assert found["sums"]["requests"] == 4
    assert found["waits"] == {"x, mailbox": {"times": 1, "seconds": 2.5}}
    assert found["outputs"] == {"records.csv": {"bytes": 7, "sha256": "abc"}}


def test_one_of_an_earlier_bulkmail_lacks_some_members_and_has_others(tmp_path: Path) -> None:
    """As it was written while it ran, before its sums were always there."""
    BEGUN.write(tmp_path)
    body = orjson.loads((tmp_path / "run.json").read_bytes())
    del body["parent"], body["undo"]
    body |= {"sums": {}, "later": 1}
    (tmp_path / "run.json").write_bytes(orjson.dumps(body))
    found = Manifest.read(tmp_path)
    assert (found.parent, found.undo, found.sums) == ("", False, Sums())


def test_a_run_that_goes_on_remembers_what_was_waited_for() -> None:
    first, second = Totals(), Totals()
    for totals in (first, second):
        totals.hear(Event("throttled", "x, mailbox", "ada@example.com", 2.0, 1.5))
        totals.hear(Event("retried", "503"))
    carry_over(second, replace(BEGUN, state="stopped", sums=sums(first), waits=waits(first)))
    assert (second.retried, waits(second)) == (2, {"x, mailbox": Waited(2, 3.0)})
    killed = Totals()
    carry_over(killed, BEGUN)
    assert (killed.retried, waits(killed)) == (0, {})


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[1]", b'{"format": 99}', b"5", b"{}"])
def test_a_directory_without_a_run(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match="is not a run directory"):
        Manifest.read(tmp_path)
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(InputError, match=r"is not a run directory|another version of bulkmail"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task", 7), ("input", []), ("input", {"path": 7}), ("waits", {"x": 1}), ("state", "ready"), ("mode", None),
        ("options", "all"), ("seconds", "7"), ("outputs", {"a": {"bytes": "7"}}), ("counts", {"unique": 1.5}),
        ("job", {"path": None}), ("statuses", {"ok": "many"}),
    ],
)  # fmt: skip
def test_a_member_that_is_not_of_its_kind_is_named(tmp_path: Path, name: str, value: object) -> None:
    ENDED.write(tmp_path)
    body = orjson.loads((tmp_path / "run.json").read_bytes())
    (tmp_path / "run.json").write_bytes(orjson.dumps(body | {name: value}))
    with pytest.raises(InputError, match=rf"run\.json: {name}"):
        Manifest.read(tmp_path)


def test_the_time_is_told_with_its_zone() -> None:
    assert datetime.fromisoformat(now()).utcoffset() == timedelta(0)


def test_a_member_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(b'{"format": 3}')
    with pytest.raises(InputError, match=r"run\.json: task"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("error", [ImportError("pwd"), KeyError("uid not found"), OSError("no username set")])
def test_an_account_without_a_name_is_empty(error: Exception) -> None:
    def asked() -> str:
        raise error

    assert user(asked) == ""


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-23T22:15:03", "0001-01-01T00:00:00+00:00"])
def test_a_time_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    ENDED.write(tmp_path)
    body = orjson.loads((tmp_path / "run.json").read_bytes())
    (tmp_path / "run.json").write_bytes(orjson.dumps(body | {"started": text}))
    with pytest.raises(InputError, match=r"run\.json: started is not a time"):
        Manifest.read(tmp_path)
