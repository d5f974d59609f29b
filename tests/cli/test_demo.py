"""`bulkmail demo`: the whole way before the user's eyes, from a certificate to a report."""

import csv
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bulkmail.cli import app

STEPS = (
    "1  A certificate", "2  A token", "3  The sweep", "4  The first rows of records.csv",
    "5  Inbox rules that send mail outside", "6  A time zone: planned",
    "7  What the tenant saw", "Look at it, and run it again by hand",
)  # fmt: skip


@pytest.mark.usefixtures("as_before")
def test_it_shows_every_step_and_leaves_everything_to_look_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["demo", "--directory", "d", "--mailboxes", "30", "--latency", "0"])
    assert result.exit_code == 0, result.output
    places = [result.stdout.index(step) for step in STEPS]
    assert places == sorted(places)
    assert "0 broke a limit, 0 came early" in result.stdout
    assert "MailboxSettings.Read" in result.stdout
    for name in ("app.pfx", "app.cer", "ca.pem", "mailboxes.csv", "job.toml"):
        assert (tmp_path / "d" / name).exists()
    runs = [path.name for path in sorted((tmp_path / "d" / "out").iterdir())]
    assert [re.sub(r"-\d{4}-\d\d-\d\d", "", name) for name in runs] == [
        "rules.report", "settings.apply", "settings.apply-applied", "settings.apply-applied-undo", "settings.report",
    ]  # fmt: skip
    assert "changes made in" in result.stdout
    [folder] = (tmp_path / "d" / "out").glob("settings.report-*")
    assert (folder / "report.html").exists()
    with (folder / "records.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) + result.stdout.count("absent") >= 28
