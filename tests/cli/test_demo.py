"""`bulkmail demo`: the whole way before the user's eyes, from a certificate to a report."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bulkmail.cli import app

STEPS = (
    "1  A certificate", "2  A token", "3  The sweep", "4  The first rows of records.csv", "5  What the tenant saw",
    "Run it again by hand",
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
    [folder] = (tmp_path / "d" / "out").iterdir()
    with (folder / "records.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) + result.stdout.count("absent") >= 28
