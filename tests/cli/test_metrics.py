"""`--metrics` and `--metrics-listen`: what a run leaves for Prometheus, however it ends."""

import socket

import pytest
from typer.testing import CliRunner

from bulkmail.cli import app
from bulkmail.report.metrics import FINISHED, SUCCESS, kept_in
from tests.cli.conftest import APPLY, REPORT, Desk
from tests.ports import quiet_port


def test_a_file_for_the_textfile_collector(desk: Desk) -> None:
    path = desk.folder / "nightly.prom"
    done = desk.bulkmail("run", desk.job(REPORT), "--metrics", path)
    assert done.code == 0, done.err
    text = path.read_text()
    labels = '{job_file="job",mode="read",task="settings.report"'
    assert 'bulkmail_mailboxes_total{job_file="job",mode="read",status="ok",task="settings.report"} 12.0' in text
    assert f"bulkmail_run_exit_code{labels}}} 0.0" in text
    before = kept_in(path)
    assert set(before) == {SUCCESS, FINISHED}
    stopped = desk.bulkmail("run", desk.job(REPORT), "--metrics", path, "--max-duration", "1ms", out="out-2")
    assert stopped.code == 5, stopped.err
    assert f"bulkmail_run_exit_code{labels}}} 5.0" in path.read_text()
    assert kept_in(path) == before
    done = desk.bulkmail("resume", stopped.folder, "--metrics", path, out="out-2")
    assert done.code == 0, done.err
    assert kept_in(path)[FINISHED] >= before[FINISHED]


def test_an_address_that_is_taken_is_told_before_anything_is_done(desk: Desk) -> None:
    port = quiet_port()
    with socket.create_server(("127.0.0.1", port)):
        done = desk.bulkmail("run", desk.job(REPORT), "--metrics-listen", f"127.0.0.1:{port}")
    assert (done.code, "address already in use" in done.err, done.folder.exists()) == (2, True, False)
    again = desk.bulkmail("run", desk.job(REPORT), "--metrics-listen", f"127.0.0.1:{port}")
    assert again.code == 0, again.err


@pytest.mark.parametrize("command", ["run", "apply", "undo", "resume"])
def test_all_commands_that_begin_a_run_have_the_options_of_one(command: str) -> None:
    words = set(CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).stdout.split())
    assert words > {
        "--metrics", "--metrics-listen", "--wait", "--max-duration", "--max-changes", "--no-progress", "--log-json",
        "--json",
    }  # fmt: skip


def test_an_undo_is_metered_and_waits_like_any_run(own: Desk) -> None:
    path = own.folder / "undo.prom"
    applied = own.bulkmail("run", own.job(APPLY), "--apply")
    assert applied.code == 0, applied.err
    done = own.bulkmail("undo", applied.folder, "--apply", "--wait", "--metrics", path, out="out-undo")
    assert done.code == 0, done.err
    labels = '{job_file="job",mode="undo",task="settings.apply"'
    assert f"bulkmail_run_exit_code{labels}}} 0.0" in path.read_text()
    assert 'bulkmail_changes_total{ending="done",job_file="job",mode="undo",task="settings.apply"}' in path.read_text()
