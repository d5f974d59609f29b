"""The summary of a run: every figure, no control character, no mark-up of strangers."""

import io
from dataclasses import replace
from pathlib import Path

import orjson
from rich.console import Console

from bulkmail.app.ending import advice_on
from bulkmail.cli.summary import as_json, show
from bulkmail.core.advice import ADVICE
from bulkmail.model import Counts, Digest, Status
from bulkmail.rundir.manifest import JobFile, Manifest, PinnedApp, PinnedInput, PinnedOutput, Sums, Waited

ENDED = Manifest(
    task="settings.report", code="v1", mode="read", output=PinnedOutput(), job=JobFile(), options={},
    input=PinnedInput(), app=PinnedApp(), limits={},
    version="1", started="2026-11-23T22:15:03+00:00",
    state="stopped", reason="too many\x1b[2J mailboxes", seconds=75.0, exit_code=5,
    counts=Counts(1200, 30, 2, 1), statuses={"ok": 1100, "absent": 40, "failed": 60},
    sums=Sums(1200, 1100, 1250, 7, 3, 1.5),
    waits={f"Limit{n}": Waited(n, n / 2) for n in range(9)},
    problems={"failed [bold]\x1b": 60}, outputs={"records.csv": Digest(0, "")},
)  # fmt: skip


def shown(manifest: Manifest, folder: Path) -> str:
    manifest.write(folder)
    screen = io.StringIO()
    show(Manifest.read(folder), folder, Console(file=screen, width=200, markup=False, highlight=False))
    return screen.getvalue()


def test_every_figure_is_there(tmp_path: Path) -> None:
    text = shown(ENDED, tmp_path)
    for part in (
        "1,100", "no mailbox there", "see failed.csv", "in all", "1,200 unique + 30 duplicates + 2 blank + 1 invalid",
        "1,233 rows", "1,250 requests, 7 throttled, 3 repeated", "1 min 15 s", "stopped", "run.json",
        str(tmp_path / "records.csv"), "60 times failed [bold]",
    ):  # fmt: skip
        assert part in text


def test_the_most_frequent_come_first_and_are_few(tmp_path: Path) -> None:
    lines = [line for line in shown(ENDED, tmp_path).splitlines() if "Limit" in line]
    assert lines[0].strip() == "waits     8 times Limit8: 4 s asked for"
    assert [line.split()[-5] for line in lines] == ["Limit8:", "Limit7:", "Limit6:", "Limit5:", "Limit4:"]


def test_no_control_character(tmp_path: Path) -> None:
    assert "\x1b" not in shown(ENDED, tmp_path)


def test_outcomes_that_did_not_happen_take_no_line(tmp_path: Path) -> None:
    text = shown(replace(ENDED, reason=""), tmp_path)
    assert Status.NOT_RUN not in text
    assert "stopped" not in text


def test_for_scripts_it_is_the_manifest_and_its_place(tmp_path: Path) -> None:
    ENDED.write(tmp_path)
    found = orjson.loads(as_json(Manifest.read(tmp_path), tmp_path))
    assert found.pop("directory") == str(tmp_path)
    assert found == orjson.loads((tmp_path / "run.json").read_bytes())


def test_waits_that_were_asked_for_are_not_those_that_were_waited(tmp_path: Path) -> None:
    ended = replace(
        ENDED, waits={"TooManyRequests, application": Waited(1, 7200)}, sums=replace(ENDED.sums, waited=0.2)
    )
    text = shown(ended, tmp_path)
    assert "waits     once TooManyRequests, application: 2 h 0 min asked for" in text
    assert "0 s were waited, by all requests together" in text
    assert "waited" not in shown(replace(ended, waits={}), tmp_path)


def test_a_refusal_comes_with_what_to_do(tmp_path: Path) -> None:
    problems = {"denied ErrorAccessDenied": 3, "failed New": 1}
    text = shown(replace(ENDED, problems=problems, advice={"ErrorAccessDenied": "Grant it."}), tmp_path)
    assert "problems  3 times denied ErrorAccessDenied. Grant it." in text
    assert "once failed New\n" in text
    assert advice_on(problems) == {"ErrorAccessDenied": ADVICE["ErrorAccessDenied"]}


def test_warnings_are_shown_again(tmp_path: Path) -> None:
    assert "warning   look here" in shown(replace(ENDED, warnings=("look here",)), tmp_path)
