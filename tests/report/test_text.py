"""Whole screens at 80 and at 40 columns, as they are printed and mailed."""

from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import InputError
from bulkmail.model import Ending, Status
from bulkmail.report.text import Line, belief, laid_out, tell
from bulkmail.report.view import view_of
from bulkmail.rundir.manifest import Manifest, Service
from bulkmail.rundir.reader import RunDir
from tests.report.folders import NIGHT, outcomes, plan, run_dir, running, sent

DRIFT = """\
settings.apply  DRIFT  contoso.onmicrosoft.com  nightly.toml
Thu 26 Nov 2026 01:15:00 - 01:23:20 (8 min 20 s of work)
9 of 9 mailboxes of staff.csv (column UserPrincipalName; asked for by the id in
ExternalDirectoryObjectId)

verdict   drift was found; 3 changes in 2 mailboxes are needed to follow the
          rule; 2 mailboxes denied
ok                5
absent            2  1 no such user (mistyped, or deleted); 1 no cloud mailbox
                     (on premises, or without a licence)
denied            2  2 times ErrorAccessDenied: "Access is denied. Check
                     credentials and try again." (first: ada@contoso.com)
                     The application may not touch this mailbox: its role in
                     Exchange or an application access policy leaves it out, or
                     the permission has no admin consent. A change takes up to
                     two hours to be felt.
in all            9
rejected          2  rows of the list name no mailbox: see rejected.csv
since     25 Nov 2026 01:15 (before): ok -1, absent +2, planned changes +2
input     12 rows = 9 unique + 1 duplicate + 2 invalid
work      31 requests, 5 throttled, 1 retried, 5 rows, in 8 min 20 s
waits     5 times TooManyRequests, application: 12 s asked for
          2 s were waited, by all requests together
changes   3 planned: 3 updated, in 2 mailboxes; nothing was sent
expires   the certificate has 9 days left, until 05 Dec 2026; make its successor
          now: bulkmail cert new
exit      8: finished with --drift, and there is drift or a finding
files     FOLDER
          outcomes.ndjson, changes.ndjson, run.json
next      bulkmail apply FOLDER"""

NARROW = """\
settings.apply  DRIFT
contoso.onmicrosoft.com  nightly.toml
Thu 26 Nov 2026 01:15:00 - 01:23:20 (8
min 20 s of work)
9 of 9 mailboxes of staff.csv (column
UserPrincipalName; asked for by the id
in ExternalDirectoryObjectId)

verdict   drift was found; 3 changes in
          2 mailboxes are needed to
          follow the rule; 2 mailboxes
          denied
ok                5
absent            2  1 no such user
          (mistyped, or deleted); 1 no
          cloud mailbox (on premises, or
          without a licence)"""


def screen(run: RunDir, width: int, *hints: str) -> str:
    text = "\n".join(laid_out(tell(view_of(run), hints=hints, zone=UTC), width))
    return text.replace(str(run.path.resolve()), "FOLDER")


def drifted(tmp_path: Path) -> RunDir:
    before = replace(
        NIGHT, started="2026-11-25T01:15:00+00:00", statuses={"ok": 6, "denied": 2}, changes={"planned": 1}
    )
    run_dir(tmp_path / "before", before, [])
    return run_dir(tmp_path / "now", ledger=[plan(1, 2), plan(2, 2), plan(3, 4)])


def test_a_night_with_drift_at_80_columns(tmp_path: Path) -> None:
    run = drifted(tmp_path)
    assert screen(run, 80, f"bulkmail apply {run.path.resolve()}") == DRIFT


def test_and_at_40(tmp_path: Path) -> None:
    found = screen(drifted(tmp_path), 40)
    assert found.startswith(NARROW)
    assert max(map(len, found.splitlines())) <= 40


def verdict_of(tmp_path: Path, manifest: Manifest, found: int = 9) -> str:
    run = run_dir(tmp_path / "run", manifest, outcomes(5)[:found])
    return next(line.text for line in tell(view_of(run), zone=UTC) if line.label == "verdict")


READ = replace(NIGHT, mode="read", reason="", changes={}, exit_code=0)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (replace(READ, statuses={"ok": 9}), "9 of 9 mailboxes ok"),
        (READ, "5 of 9 mailboxes ok; 2 mailboxes denied"),
        (replace(READ, statuses={}), "nothing done: there was no mailbox in the input"),
        (replace(NIGHT, reason="", changes={}, statuses={"ok": 9}), "no drift"),
        (replace(NIGHT, mode="plan", reason="", statuses={"ok": 9}), "only a plan: 3 changes"),
        (replace(NIGHT, mode="apply", reason="", changes={"done": 1}, statuses={"ok": 1}),
         "1 change made"),
        (replace(READ, state="stopped", reason="interrupted", statuses={"ok": 1, "not_run": 8}),
         "stopped early: interrupted; 8 mailboxes not run"),
        (replace(READ, state="failed", reason="the disk\x1b is full"), "failed: the disk  is full"),
        (replace(READ, statuses={"ok": 1, "failed": 1, "unknown": 1}),
         "1 of 3 mailboxes ok; 1 mailbox failed; 1 mailbox may or may not have been changed"),
    ],
)  # fmt: skip
def test_the_verdict(tmp_path: Path, manifest: Manifest, said: str) -> None:
    assert verdict_of(tmp_path, manifest) == said


def test_a_change_that_was_looked_up_is_told_as_done(tmp_path: Path) -> None:
    """The answer was lost, the mailbox ended well: the task had looked."""
    manifest = replace(
        NIGHT, mode="apply", changes={"done": 2, "unknown": 2}, statuses={"ok": 5, "denied": 2, "absent": 2}
    )
    ledger = [
        *sent(1, 2, Ending.DONE), *sent(2, 2, Ending.DONE, before=1, after=None), *sent(3, 3, Ending.UNKNOWN),
        *sent(4, 9, Ending.UNKNOWN),
    ]  # fmt: skip
    found = screen(run_dir(tmp_path / "run", manifest, ledger=ledger), 200)
    assert (
        "changes   3 done, 1 unknown (1 of them after a look: their answers were lost): "
        "2 created, 1 deleted, in 2 mailboxes\n" in found
    )
    assert "verdict   drift was found; 3 changes made in 2 mailboxes" in found


def test_what_the_rows_of_a_writing_task_say_is_counted(tmp_path: Path) -> None:
    run = run_dir(tmp_path / "run", replace(NIGHT, mode="apply"), [])
    rows = b"".join(b'{"result":"%s"}\n' % word for word in (b"sent", b"sent", b"already"))
    (run.path / "records.ndjson").write_bytes(rows)
    from bulkmail.rundir.entries import encode_outcome
    from bulkmail.rundir.journal import sealed

    entry = encode_outcome(outcomes(1)[0], {"records.ndjson": len(rows)})
    (run.path / "outcomes.ndjson").write_bytes(sealed([entry], 0))
    assert "results   2 sent, 1 already\n" in screen(run, 80)


def test_mailboxes_that_did_not_run_are_not_told_as_done(tmp_path: Path) -> None:
    manifest = replace(READ, state="stopped", reason="interrupted", statuses={"ok": 5, "not_run": 4})
    assert "5 of 9 mailboxes of staff.csv" in screen(run_dir(tmp_path / "run", manifest), 200)


def test_a_killed_run_tells_its_figures(tmp_path: Path) -> None:
    found = screen(run_dir(tmp_path / "run", running()), 80)
    assert "verdict   killed: no process holds it" in found
    assert "9 mailboxes done" in found
    assert "alan@contoso.com denied" in found
    assert "exit" not in found


def test_a_secret_has_no_certificate(tmp_path: Path) -> None:
    manifest = replace(NIGHT, certificate_expires="", certificate_days_left=None)
    assert "expires" not in screen(run_dir(tmp_path / "run", manifest), 80)


def test_only_a_few_reasons_are_told(tmp_path: Path) -> None:
    bad = [(f"m{n}", Status.FAILED, f"Code{n}", "x" * 500) for n in range(8)]
    found = screen(run_dir(tmp_path / "run", replace(READ, statuses={"failed": 8}), outcomes(0, bad)), 80)
    assert "and 3 other reasons: see failed.csv" in found
    assert found.count("once Code") == 5


@given(text=st.text(max_size=60))
def test_nothing_hostile_reaches_the_screen(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    hostile = replace(
        READ, task=text, reason=text, warnings=(text,), waits={}, columns=(text, text),
        app=replace(NIGHT.app, tenant_id=text), job=replace(NIGHT.job, path=text),
        input=replace(NIGHT.input, path=text),
    )  # fmt: skip
    bad = [(text, Status.FAILED, text, text)]
    found = tell(view_of(run_dir(folder / "run", hostile, outcomes(1, bad))), zone=UTC)
    shown = "".join(line.text for line in found)
    assert not any(ord(letter) < 32 or 0x7F <= ord(letter) <= 0x9F or letter in "\u202e\u2028" for letter in shown)


def test_paths_and_commands_are_not_wrapped() -> None:
    path = "/a path/" * 20
    assert laid_out([Line("files", path, whole=True)], 40) == [f"files     {path}".rstrip()]


@pytest.mark.parametrize("name", ["started", "ended", "certificate_expires"])
def test_a_manifest_with_something_else_for_a_time_is_refused(tmp_path: Path, name: str) -> None:
    for text in ("yesterday", "2026-11-26T01:15:00"):
        with pytest.raises(InputError, match=f"{name} is not a time"):
            view_of(run_dir(tmp_path / "run", replace(NIGHT, **{name: text})))  # type: ignore[arg-type]


def test_a_change_in_a_mailbox_that_did_not_run_is_not_counted(tmp_path: Path) -> None:
    """It will be planned again when the run goes on."""
    bad = [("ada", Status.NOT_RUN, "NotRun", "interrupted")]
    manifest = replace(NIGHT, state="stopped", reason="interrupted", statuses={"ok": 1, "not_run": 1})
    run = run_dir(tmp_path / "run", manifest, outcomes(1, bad), [plan(1, 2), plan(2, 3)])
    made = view_of(run).written
    assert made is not None
    assert (made.kinds, made.mailboxes) == ({"updated": 1}, 1)


@pytest.mark.parametrize(("service", "text"), [
    (Service(), ""),
    (Service(noise=0.0001, noise_seconds=60.0), ""),
    (Service(limit=1499.6, limit_seconds=75.0), "takes about 1,500 requests/s (so for 1 min 15 s)"),
    (Service(limit=2.54, limit_seconds=5.0), "takes about 2.5 requests/s (so for 5 s)"),
    (
        Service(500.0, 120.0, 0.0042, 60.0),
        "takes about 500 requests/s (so for 2 min 0 s) and refuses 0.42 % at any rate (so for 1 min 0 s)",
    ),
])  # fmt: skip
def test_what_is_believed_of_the_service(service: Service, text: str) -> None:
    assert belief(service) == text


def test_the_belief_is_told_beside_the_work(tmp_path: Path) -> None:
    manifest = replace(NIGHT, service=Service(500.0, 120.0))
    lines = tell(view_of(run_dir(tmp_path, manifest)), zone=UTC)
    assert Line("service", "takes about 500 requests/s (so for 2 min 0 s)") in lines
