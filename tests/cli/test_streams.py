"""Whatever the standard streams are, no traceback, and the exit code is the command's own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.report.folders import NIGHT, run_dir

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="only Linux has /dev/full")
posix = pytest.mark.skipif(os.name != "posix", reason="a shell closes the streams")


def shell(command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """`command`, in which BULKMAIL stands for the program."""
    text = command.replace("BULKMAIL", f"{sys.executable} -m bulkmail")
    return subprocess.run(
        ["sh", "-c", text],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
        check=False,
        env={**os.environ, **variables},
    )


@posix
@needs_full
def test_results_that_cannot_be_written_are_an_error_of_output() -> None:
    done = shell("BULKMAIL tasks >/dev/full")
    assert done.returncode == 7
    assert "the standard output is not complete: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@posix
@needs_full
@pytest.mark.parametrize("where", ["2>/dev/full", "2>&-", ">&-", ">&- 2>&-", "<&-", "<&- >&- 2>&-"])
def test_no_stream_is_needed(where: str) -> None:
    done = shell(f"BULKMAIL tasks {where}")
    assert (done.returncode, done.stderr) == (0, "")


@posix
def test_the_code_of_an_error_stays() -> None:
    assert shell("BULKMAIL tasks nothing 2>&-").returncode == 2
    assert shell("BULKMAIL tasks nothing >&- 2>&-").returncode == 2


@posix
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437"])
def test_a_console_that_lacks_a_letter_shows_a_question_mark(tmp_path: Path, encoding: str) -> None:
    run_dir(tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"warnings": ["a ☃ of Łódź"]}))
    done = shell(f"BULKMAIL show {tmp_path / 'run'}", PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    assert "a ? of" in done.stdout
    assert done.stderr == ""
    assert NIGHT.task in done.stdout


@posix
@needs_full
def test_a_file_does_not_get_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """A result would be written into the file."""
    run_dir(tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    assert shell(f"BULKMAIL show {tmp_path / 'run'} >&- 2>&- <&-").returncode == 0
    after = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    assert after == before
