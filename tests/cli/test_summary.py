"""The summary on a terminal: what `report` tells, in the width of the screen, and with what to do next."""

import io
from dataclasses import replace
from pathlib import Path

import orjson
from rich.console import Console

from bulkmail.app.ending import advice_on
from bulkmail.cli.summary import as_json, show
from bulkmail.core.advice import ADVICE
from bulkmail.report.view import view_of
from bulkmail.rundir.manifest import Manifest
from tests.report.folders import NIGHT, run_dir, running

ENDED = replace(
    NIGHT, state="stopped", reason="too many\x1b[2J mailboxes", exit_code=5, statuses={"ok": 5, "not_run": 4}
)


def shown(manifest: Manifest, folder: Path, width: int = 80) -> str:
    screen = io.StringIO()
    console = Console(file=screen, width=width, markup=False, highlight=False)
    show(view_of(run_dir(folder, manifest)), console)
    return screen.getvalue()


def test_no_line_is_longer_than_the_screen_but_those_to_be_copied(tmp_path: Path) -> None:
    long = [line for line in shown(ENDED, tmp_path, 60).splitlines() if len(line) > 60]
    assert all(line.startswith(("files", "          bulkmail ")) for line in long)


def test_no_control_character(tmp_path: Path) -> None:
    text = shown(ENDED, tmp_path)
    assert "\x1b" not in text
    assert "stopped early: too many [2J mailboxes" in text


def test_what_stopped_can_be_gone_on_with(tmp_path: Path) -> None:
    assert f"next      to go on with the rest:\n          bulkmail resume {tmp_path}\n" in shown(ENDED, tmp_path)


def test_a_killed_run_can_be_gone_on_with(tmp_path: Path) -> None:
    assert f"next      to go on with the rest:\n          bulkmail resume {tmp_path}\n" in shown(running(), tmp_path)


def test_for_scripts_it_is_the_manifest_and_its_place(tmp_path: Path) -> None:
    ENDED.write(tmp_path)
    found = orjson.loads(as_json(Manifest.read(tmp_path), tmp_path))
    assert found.pop("directory") == str(tmp_path)
    assert found == orjson.loads((tmp_path / "run.json").read_bytes())


def test_the_manifest_has_advice_on_its_problems() -> None:
    problems = {"denied ErrorAccessDenied": 3, "failed New": 1}
    assert advice_on(problems) == {"ErrorAccessDenied": ADVICE["ErrorAccessDenied"]}


def test_warnings_are_shown_again(tmp_path: Path) -> None:
    assert "warning   look here" in shown(replace(ENDED, warnings=("look here",)), tmp_path)
