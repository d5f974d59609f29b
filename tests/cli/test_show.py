"""`bulkmail show` and `bulkmail tasks` only read."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bulkmail import __version__
from bulkmail.cli import COMMANDS, app
from bulkmail.errors import EXIT_CODES
from bulkmail.rundir.folder import hold
from bulkmail.rundir.journal import sealed
from bulkmail.tasks import built_in
from bulkmail.tasks.settings.report import COLUMNS
from tests.cli.conftest import REPORT, Desk
from tests.cli.test_summary import ENDED
from tests.report.folders import run_dir, running


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_run_that_ended(tmp_path: Path) -> None:
    run_dir(tmp_path, ENDED)
    assert "31 requests" in run("show", tmp_path).output
    assert json.loads(run("show", tmp_path, "--json").output)["exit_code"] == 5


def test_a_run_that_goes_on_and_one_that_was_killed(tmp_path: Path) -> None:
    """The lock knows which."""
    run_dir(tmp_path, running())
    with hold(tmp_path):
        goes_on = run("show", tmp_path)
    assert f"running: process {os.getpid()} on " in goes_on.output
    assert "next" not in goes_on.output
    killed = run("show", tmp_path)
    assert "killed: no process holds it" in killed.output
    assert f"bulkmail resume {tmp_path}" in killed.output
    assert (goes_on.exit_code, killed.exit_code) == (0, 0)


def test_a_damaged_run_is_shown_as_far_as_it_can_be_read(tmp_path: Path) -> None:
    journal = run_dir(tmp_path, running()).path / "outcomes.ndjson"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(
        b"".join([*lines[:2], b"x" * len(lines[2]), *lines[3:]]) + sealed([b'{"a":1}'], len(b"".join(lines)))
    )
    result = run("show", tmp_path)
    assert "damaged at byte" in result.output.replace("\n          ", " ")
    assert "2 of 9 mailboxes" in result.output


def test_what_is_no_run(tmp_path: Path) -> None:
    result = run("show", tmp_path)
    assert result.exit_code == 2
    assert "is not a run directory" in result.output


def test_a_run_is_shown_as_at_its_end(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(REPORT))
    assert desk.bulkmail("show", done.folder).out == done.out
    assert json.loads(desk.bulkmail("show", done.folder, "--json").out) == {
        "directory": str(done.folder),
        **done.manifest,
    }


def test_the_version() -> None:
    assert run("--version").output == f"bulkmail {__version__}\n"


def test_the_tasks() -> None:
    assert "settings.report" in run("tasks").output


def test_one_task_with_all_that_it_documents() -> None:
    result = run("tasks", "settings.report")
    for name in ("MailboxSettings.Read", 'columns = "all"', 'replies = "text"', *COLUMNS):
        assert name in result.output


def test_a_task_in_a_file_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.py").write_text(
        "from pathlib import Path\n"
        "from bulkmail import Options, task\n"
        "from pydantic import Field\n"
        "class Mine(Options):\n"
        "    needed: str = Field(description='it must')\n"
        "    place: Path = Path('somewhere')\n"
        "@task('own', summary='Mine', permission='P', columns={'a': 'b'}, options=Mine)\n"
        "async def own(mailbox, graph, options):\n"
        "    yield {}\n"
    )
    monkeypatch.chdir(tmp_path)
    result = run("tasks", "own.py:own")
    assert result.exit_code == 0, result.output
    assert "needed (to be given)" in result.output
    assert "somewhere" in result.output


def test_a_task_that_is_not_there() -> None:
    result = run("tasks", "setting.report")
    assert result.exit_code == 2
    assert "Did you mean settings.report?" in result.output


def test_a_reader_that_goes_away_is_not_an_accident() -> None:
    """As with `bulkmail tasks | head -0`."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bulkmail", "tasks", "settings.report"],
            stdout=writing, stderr=subprocess.PIPE, text=True, timeout=300, check=False,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize("columns", [40, 80])
def test_no_help_is_wider_than_the_terminal_or_cuts_a_name_or_leaves_anything_out(columns: int) -> None:
    """In one process: an import takes longer than a text."""
    show = """
import sys
from typer.testing import CliRunner
from bulkmail.cli import COMMANDS, app
for name in COMMANDS:
    print(CliRunner().invoke(app, [name, "-h"]).output)
"""
    done = subprocess.run(
        [sys.executable, "-c", show],
        capture_output=True, text=True, timeout=300, check=True, env={**os.environ, "COLUMNS": str(columns)},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    wide = [line for line in lines if len(line.rstrip()) > columns and " " in line.strip()]
    assert wide == []
    assert [line for line in lines if re.search(r"\w(…|\.\.\.)", line)] == []
    assert len(re.findall("Usage: ", done.stdout)) == len(COMMANDS)
    of_run = done.stdout.partition("bulkmail run ")[2].partition("Usage: ")[0]
    for option in ("--max-changes", "--max-duration", "--no-progress", "--log-json"):
        assert option in of_run
    codes = of_run.partition("Exit codes")[2].partition("Examples")[0]
    assert all(re.search(rf"\b{code}\b", codes) for code in EXIT_CODES)


def test_what_is_not_set_is_not_called_null() -> None:
    assert "null" not in run("tasks", "settings.apply").output
    assert "time_zone (not set)" in run("tasks", "settings.apply").output


@pytest.mark.parametrize("command", [("tasks",), ("tasks", "settings.apply"), ("help",)])
def test_no_line_that_is_piped_ends_with_blanks(command: tuple[str, ...]) -> None:
    lines = run(*command).output.splitlines()
    assert len(lines) > 10
    assert [line for line in lines if line != line.rstrip()] == []


def test_summaries_of_tasks_begin_in_one_column() -> None:
    lines = run("tasks").output.splitlines()
    begins = {re.match(r"\S+ +", line).end() for line in lines}  # type: ignore[union-attr]
    assert len(begins) == 1


def test_tasks_for_other_programs() -> None:
    told = json.loads(run("tasks", "settings.report", "--json").output)
    assert (told["name"], told["permission"], told["writes"]) == ("settings.report", "MailboxSettings.Read", False)
    assert (told["options"]["columns"]["required"], told["options"]["columns"]["default"]) == (False, "all")
    assert told["columns"]["time_zone"]
    assert {one["name"] for one in json.loads(run("tasks", "--json").output)} == set(built_in())


@pytest.mark.parametrize("name", sorted(built_in()))
def test_a_sample_is_a_job_of_its_task(name: str) -> None:
    job = tomllib.loads(run("tasks", name, "--sample").output)
    required = {key for key, field in built_in()[name].options.model_fields.items() if field.is_required()}
    assert job["task"].keys() == {"name", *required}
    assert job["task"]["name"] == name


def test_a_sample_is_of_a_task() -> None:
    assert run("tasks", "--sample").exit_code == 2


def test_completion_can_be_had() -> None:
    done = subprocess.run(  # the shell is found among the processes above
        ["bash", "-c", f"{sys.executable} -m bulkmail --show-completion; exit $?"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, "complete" in done.stdout) == (0, True)
