"""A run directory as bulkmail 0.1.0 first wrote it, byte by byte: format 3 stays readable."""

from pathlib import Path

from bulkmail.model import Change, Digest, Effect, Ending, Mailbox, Outcome, Problem, Status, Tally
from bulkmail.rundir.differences import differences
from bulkmail.rundir.entries import Concluded, Intent, Reopened
from bulkmail.rundir.heartbeat import Heartbeat
from bulkmail.rundir.journal import sealed
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.recovery import recover

MANIFEST = b"""{
  "format": 3, "pid": 30898, "host": "server", "task": "settings.report", "code": "bulkmail 0.1.0",
  "options": {"columns": "all", "replies": "text"}, "mode": "read",
  "input": {"path": "/srv/mailboxes.csv", "bytes": 1922, "sha256": "b3e3", "mailboxes": 2},
  "app": {"tenant_id": "7ed9010e-b43b-4518-b749-3514e32c7c3b", "client_id": "b01d", "cloud": "global"},
  "output": {"format": ["ndjson", "csv"], "raw": false, "bom": false},
  "limits": {"mailbox_concurrency": 4, "requests_in_flight": null, "batch": false, "max_wait": 3600.0},
  "job": {"path": "/srv/job.toml", "flags": {"limits.max_duration": "2h"}}, "version": "0.1.0",
  "started": "2026-11-26T18:07:07+00:00", "parent": "", "undo": false, "state": "stopped",
  "ended": "2026-11-26T18:09:07+00:00", "exit_code": 5, "seconds": 120, "reason": "the time box ended",
  "counts": {"unique": 2, "duplicates": 1, "blank": 0, "invalid": 0, "rows": 3},
  "statuses": {"ok": 1, "absent": 0, "denied": 1, "failed": 0, "unknown": 0, "not_run": 0},
  "sums": {"mailboxes": 2, "rows": 1, "requests": 2, "throttled": 0, "retried": 0, "waited": 7.125}, "changes": {},
  "waits": {"MailboxConcurrency, mailbox": {"times": 2, "seconds": 1.5}},
  "problems": {"denied ErrorAccessDenied": 1}, "outputs": {"records.csv": {"bytes": 22460, "sha256": "13ce"}}
}
"""
OUTCOMES = [
    (
        b'{"row":2,"mailbox":"ada@contoso.com","status":"ok","rows":1,"requests":1,"throttled":0,"waited":0.0,'
        b'"seconds":0.013,"offsets":{"records.ndjson":737,"records.csv":648}}'
    ),
    (
        b'{"row":3,"mailbox":"alan@contoso.com","id":"i","status":"denied","rows":0,"requests":1,"throttled":0,"waited":7,'
        b'"waited_for":"x, mailbox","seconds":0.01,"error":{"code":"ErrorAccessDenied","message":"no","status":403,'
        b'"request_id":"r","client_request_id":"c"},"offsets":{"records.ndjson":737,"records.csv":648}}'
    ),
]
CHANGES = [
    (
        b'{"change":1,"row":2,"mailbox":"ada@contoso.com","key":"settings","state":"intended","method":"PATCH",'
        b'"path":"/users/ada@contoso.com/mailboxSettings","effect":"idempotent","before":{"a":1},"after":{"a":2},'
        b'"time":"2026-11-26T18:07:08.000+00:00"}'
    ),
    b'{"state":"reopened","last_sign":{"boot":"b","up":4.5}}',
    b'{"change":1,"row":2,"state":"done","further":true,"id":"n"}',
]


def earlier(folder: Path) -> RunDir:
    (folder / "run.json").write_bytes(MANIFEST)
    (folder / "outcomes.ndjson").write_bytes(sealed(OUTCOMES, 0))
    (folder / "changes.ndjson").write_bytes(sealed(CHANGES, 0))
    return RunDir(folder)


def test_its_manifest(tmp_path: Path) -> None:
    manifest = earlier(tmp_path).manifest
    assert (manifest.task, manifest.state, manifest.exit_code, manifest.seconds) == (
        "settings.report",
        "stopped",
        5,
        120,
    )
    assert manifest.seconds == 120
    assert (manifest.input.mailboxes, manifest.job.flags) == (2, {"limits.max_duration": "2h"})
    assert manifest.waits["MailboxConcurrency, mailbox"].times == 2
    assert manifest.outputs == {"records.csv": Digest(22460, "13ce")}


def test_a_run_that_goes_on_with_it_finds_no_difference(tmp_path: Path) -> None:
    """Members that came later are as they were before they came."""
    before = earlier(tmp_path).manifest
    before.write(tmp_path)
    assert differences(before, RunDir(tmp_path).manifest) == []


def test_its_outcomes(tmp_path: Path) -> None:
    run = earlier(tmp_path)
    problem = Problem("ErrorAccessDenied", "no", 403, "r", "c")
    assert list(run.outcomes()) == [
        Outcome(Mailbox("ada@contoso.com", 2), Status.OK, 1, Tally(1), 0.013),
        Outcome(Mailbox("alan@contoso.com", 3, "i"), Status.DENIED, 0, Tally(1, 0, 7, "x, mailbox"), 0.01, problem),
    ]
    assert recover(run).lengths == {"records.ndjson": 737, "records.csv": 648}


def test_its_changes(tmp_path: Path) -> None:
    assert list(earlier(tmp_path).changes()) == [
        Intent(
            1, 2, "ada@contoso.com", Change("settings", {"a": 1}, {"a": 2}), Effect.IDEMPOTENT, False, "PATCH",
            "/users/ada@contoso.com/mailboxSettings", "2026-11-26T18:07:08.000+00:00",
        ),
        Reopened(Heartbeat("b", 4.5)),
        Concluded(1, 2, Ending.DONE, "n", True),
    ]  # fmt: skip
