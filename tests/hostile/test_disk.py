"""What is read from disk is as hostile as the service: a run directory may come from somebody else."""

import json
import os
import shutil
from pathlib import Path

import pytest

from bulkmail.config import load
from bulkmail.errors import ConfigError, Damaged, OutputError
from bulkmail.rundir.folder import open_folder
from bulkmail.rundir.journal import Journal
from bulkmail.rundir.reader import RunDir
from bulkmail.sink.appender import Appender
from bulkmail.sink.format import Csv, Ndjson
from bulkmail.sink.formula import escape, unescape
from bulkmail.testing.tenant import Done
from bulkmail.text import duration, one_line
from tests.forked import start
from tests.hostile.server import Asked, http
from tests.hostile.tenant import tenant

EVIL = "\x1b]0;owned\x07\x9b31m\u202egpj.exe\u2028next"
ACTS = {"\x1b", "\x07", "\x9b", "\u202e", "\u2028", "\r"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run that ended well."""

    def answer(_asked: Asked, connected: object) -> None:
        connected.sendall(http({"value": [{"name": "x"}]}))  # type: ignore[attr-defined]

    folder = tmp_path_factory.mktemp("finished")
    with tenant(folder, answer, ["ada@contoso.com", "alan@contoso.com"]) as made:
        done = made.run()
    assert done.code == 0, done.err
    return done


@pytest.fixture
def copy(finished: Done, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished.folder, tmp_path / "out"))


def altered(folder: Path, **members: object) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **members}))


@pytest.mark.parametrize("how", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize(
    "members",
    [
        {"task": EVIL, "started": EVIL, "state": "running"},
        {"reason": EVIL, "state": "stopped", "version": EVIL},
        {"outputs": {EVIL: {"bytes": 1, "sha256": EVIL}}, "warnings": [EVIL]},
        {"waits": {EVIL: {"times": 10**30, "seconds": 1e300}}, "problems": {EVIL: 10**30}, "advice": {EVIL: EVIL}},
        {"mode": "plan", "changes": {EVIL: 10**40}, "parent": EVIL, "undo": True},
        {"statuses": {"failed": 10**40, EVIL: 1}, "seconds": 1e308},
    ],
    ids=range(6),
)
def test_what_is_shown_of_a_run_moves_no_terminal(copy: Path, how: tuple[str, ...], members: dict[str, object]) -> None:
    altered(copy, **members)
    done = start(copy.parent, "show", "out", *how).finish(copy)
    assert done.code in (0, 2), done.err
    assert "Traceback" not in done.err
    assert not ACTS & set(done.out + done.err)


@pytest.mark.parametrize("members", [{"job": {"path": "a\0b"}}, {"input": {"path": "a\0b"}}], ids=["job", "input"])
def test_a_run_whose_paths_hold_a_nul_is_not_resumed(copy: Path, members: dict[str, object]) -> None:
    altered(copy, state="stopped", **members)
    done = start(copy.parent, "resume", "out").finish(copy)
    assert done.code == 2
    assert "NUL" in done.err
    assert "Traceback" not in done.err


def test_a_journal_of_another_run_is_refused(copy: Path, finished: Done) -> None:
    altered(copy, id="0" * 32)
    with pytest.raises(Damaged, match="another run"):
        list(RunDir(copy).outcomes())
    assert len(list(RunDir(finished.folder).outcomes())) == 2


def test_a_journal_of_an_earlier_version_is_read_in_its_own_directory_only(tmp_path: Path, copy: Path) -> None:
    lines = [json.loads(line) for line in (copy / "outcomes.ndjson").read_bytes().splitlines()]
    entries = [
        json.dumps({name: value for name, value in line.items() if name not in ("crc", "synced", "run")}).encode()
        for line in lines
    ]
    (copy / "outcomes.ndjson").unlink()
    with Appender(copy / "outcomes.ndjson") as file:
        Journal(file).append(entries)
    with pytest.raises(Damaged, match="another run"):
        list(RunDir(copy).outcomes())
    altered(copy, id="")
    assert len(list(RunDir(copy).outcomes())) == 2


@pytest.mark.parametrize(
    "entry", [b'{"a":1}', b'{"row":-1}', b'{"row":1e400,"mailbox":[]}', b'{"row":2,"mailbox":null,"status":"ok"}']
)
def test_a_journal_that_holds_other_things_is_damaged(copy: Path, entry: bytes) -> None:
    run = RunDir(copy).manifest.id
    (copy / "outcomes.ndjson").unlink()
    with Appender(copy / "outcomes.ndjson") as file:
        Journal(file, run).append([entry])
    done = start(copy.parent, "resume", "out", "--retry", "failed").finish(copy)
    assert done.code in (2, 7), done.err
    assert "Traceback" not in done.err


def test_a_job_with_a_nul_is_refused(tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    job.write_text('[task]\nname = "settings.report"\n[app]\ntenant_id = "a\\u0000b"\n')
    with pytest.raises(ConfigError, match=r"app\.tenant_id holds a NUL"):
        load(job, environment={})


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_the_folders_of_a_run_are_private(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with open_folder(tmp_path / "a" / "b" / "run") as folder:
            modes = [(path.stat().st_mode & 0o777) for path in (folder, folder.parent, folder.parent.parent)]
    except OutputError:  # with no rights at all, not even its own lock can be opened
        assert umask == 0o777
        return
    finally:
        os.umask(before)
    assert modes == [0o700] * 3


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize(("mode", "told"), [(0o777, True), (0o770, True), (0o755, False), (0o700, False)])
def test_a_folder_that_others_may_write_to_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, told: bool
) -> None:
    prepared = tmp_path / "run"
    prepared.mkdir()
    prepared.chmod(mode)
    with open_folder(prepared):
        pass
    assert ("may be written to by other users" in caplog.text) is told


HIDDEN = [
    chr(number) for number in (0x202E, 0x7F, 0x9B, 0xAD, 0x61C, 0x2028, 0x2061, 0x2066, 0x3164, 0xFE0F, 0xE0041, 0xFEFF)
]


@pytest.mark.parametrize("hidden", HIDDEN, ids=[f"{ord(one):x}" for one in HIDDEN])
def test_a_formula_behind_what_is_not_seen_is_escaped(hidden: str) -> None:
    cell = f"{hidden}=cmd|' /C calc'!A0"
    assert escape(cell) == f"'{cell}"
    assert unescape(escape(cell)) == cell
    assert Csv(["a"]).encode([{"a": cell}]).lstrip(b'"').startswith(b"'")


@pytest.mark.parametrize("acting", ["\u202e", "\u2066", "\u2028", "\u2029", "\x7f", "\x9b", "\x85"])
def test_what_acts_is_in_no_file_as_it_is(acting: str) -> None:
    row = {"a": f"before{acting}behind", "é": "“kept”"}
    line, cells = Ndjson().encode([row]).decode(), Csv(["a", "é"]).encode([row]).decode()
    assert acting not in line + cells
    assert json.loads(line) == row
    assert cells == "before\ufffdbehind,“kept”\r\n"


@pytest.mark.parametrize("text", ["a\ud800b", "a\x9bb", "a\u202eb", "a\U000e0041b", "a\0b"])
def test_a_line_can_be_printed(text: str) -> None:
    assert one_line(text).encode() == b"a b"


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), -1.0, 1e308])
def test_a_time_of_any_size_can_be_told(seconds: float) -> None:
    assert duration(seconds)
