"""Run directories that are written by hand, to be told of."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bulkmail.model import Change, Counts, Effect, Ending, Mailbox, Outcome, Problem, Status, Tally
from bulkmail.rundir.entries import Concluded, Intent, encode_change, encode_outcome
from bulkmail.rundir.journal import sealed
from bulkmail.rundir.manifest import JobFile, Manifest, PinnedApp, PinnedInput, PinnedOutput, Sums, Waited
from bulkmail.rundir.reader import RunDir

LIST = "/srv/staff.csv"

NIGHT = Manifest(
    task="settings.apply", code="v1", mode="drift", output=PinnedOutput(), options={}, limits={}, version="1",
    job=JobFile("/srv/nightly.toml"), app=PinnedApp("contoso.onmicrosoft.com", "c"),
    input=PinnedInput(LIST, mailboxes=9, bytes=1, sha256="0"),
    columns=("UserPrincipalName", "ExternalDirectoryObjectId"),
    started="2026-11-26T01:15:00+00:00", ended="2026-11-26T01:23:20+00:00", seconds=500.0,
    state="finished", exit_code=8, reason="drift was found", counts=Counts(9, 1, 0, 2),
    statuses={"ok": 5, "absent": 2, "denied": 2}, sums=Sums(9, 5, 31, 5, 1, 2.0),
    waits={"TooManyRequests, application": Waited(5, 12.0)}, changes={"planned": 3},
    certificate_expires="2026-12-05T00:00:00+00:00", certificate_days_left=9,
)  # fmt: skip

BAD = (
    ("gone", Status.ABSENT, "ErrorInvalidUser", "The requested user 'gone@contoso.com' is invalid."),
    ("shed", Status.ABSENT, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, or on-premise."),
    ("ada", Status.DENIED, "ErrorAccessDenied", "Access is denied. Check credentials and try again."),
    ("alan", Status.DENIED, "ErrorAccessDenied", "Access is denied. Check credentials and try again."),
)


def outcomes(ok: int = 5, bad: Sequence[tuple[str, Status, str, str]] = BAD) -> list[Outcome]:
    well = [Outcome(Mailbox(f"m{row}@contoso.com", row), Status.OK, 1, Tally(1), 0.1) for row in range(2, 2 + ok)]
    rest = enumerate(bad, 2 + ok)
    return well + [
        Outcome(Mailbox(f"{name}@contoso.com", row), status, 0, Tally(1), 0.1, Problem(code, said, 404))
        for row, (name, status, code, said) in rest
    ]


def plan(number: int, row: int) -> Intent:
    change = Change("settings", {"timeZone": "UTC"}, {"timeZone": "W. Europe Standard Time"})
    return Intent(number, row, f"m{row}@contoso.com", change, Effect.IDEMPOTENT, planned=True)


def sent(
    number: int, row: int, ending: Ending, *, before: object = None, after: object = 1
) -> list[Intent | Concluded]:
    change = Change(f"contact:{number}", before, after)
    return [Intent(number, row, f"m{row}@contoso.com", change, Effect.KEYED), Concluded(number, row, ending)]


def run_dir(
    folder: Path, manifest: Manifest = NIGHT, found: Sequence[Outcome] | None = None,
    ledger: Sequence[Intent | Concluded] = (),
) -> RunDir:  # fmt: skip
    """A directory with a manifest, a journal and a ledger."""
    folder.mkdir(exist_ok=True)
    manifest.write(folder)
    entries = [encode_outcome(outcome, {}) for outcome in (outcomes() if found is None else found)]
    (folder / "outcomes.ndjson").write_bytes(sealed(entries, 0) if entries else b"")
    if ledger:
        (folder / "changes.ndjson").write_bytes(sealed([encode_change(entry) for entry in ledger], 0))
    return RunDir(folder)


def running(manifest: Manifest = NIGHT) -> Manifest:
    """As it is written when a run begins."""
    return replace(
        manifest, state="running", ended="", exit_code=None, seconds=0.0, reason="", statuses={}, sums=Sums(),
        waits={}, changes={},
    )  # fmt: skip
