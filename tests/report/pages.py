"""Runs of every kind that the page of a run has to show: small and large, well and failed, hostile, changing."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Literal

from bulkmail.model import Change, Counts, Effect, Ending, Mailbox, Outcome, Problem, Row, Status, Tally
from bulkmail.rundir.entries import Concluded, Intent, encode_change
from bulkmail.rundir.journal import sealed
from bulkmail.rundir.manifest import Manifest, Waited
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.samples import Sample, Samples
from tests.report.folders import NIGHT
from tests.report.writing import Mailboxful, write_run

REPORT = replace(
    NIGHT, task="settings.report", mode="read", reason="", exit_code=3, changes={}, key_columns=(),
    options={"columns": "all", "replies": "text"},
)  # fmt: skip
COLUMNS = ("mailbox", "auto_reply_status", "internal_reply", "time_zone", "language", "working_start")

ZONES = ("W. Europe Standard Time",) * 6 + ("Romance Standard Time",) * 2 + ("UTC", "Pacific Standard Time")

HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><script>alert(1)</script>", "{{ 7 * 7 }}",
    "\u202egpj.exe\u202c", "\x1b[31mred\x07", "x" * 10_000, "javascript:alert(1)", "<svg onload=alert(1)>", "&lt;b&gt;",
    "=HYPERLINK(1)", "مرحبا بالعالم", "日本語" * 200, "a\nb\rc", "' onmouseover='alert(1)",
    "</title><base href=//evil>",
)  # fmt: skip
"""Texts that a page must only show."""


def mailboxes(number: int) -> Iterator[Mailboxful]:
    """A tenant in which a fiftieth has no mailbox, a few are denied and some were throttled; always the same."""
    random = Random(number)
    for place in range(number):
        mailbox, seconds = Mailbox(f"user{place:06}@contoso.com", place + 2), round(random.lognormvariate(-1.6, 0.6), 3)
        if place % 50 == 9:
            problem = Problem("ErrorInvalidUser", "The requested user is invalid.", 404)
            yield Mailboxful(Outcome(mailbox, Status.ABSENT, 0, Tally(1), seconds, problem))
        elif place % 211 == 7:
            problem = Problem("ErrorAccessDenied", "Access is denied. Check credentials and try again.", 403)
            yield Mailboxful(Outcome(mailbox, Status.DENIED, 0, Tally(1), seconds, problem))
        else:
            slow = random.random() > 0.97
            tally = Tally(4, 3, 2.5, "TooManyRequests, mailbox") if slow else Tally(1)
            yield Mailboxful(
                Outcome(mailbox, Status.OK, 1, tally, seconds + tally.waited), [_settings(mailbox, random)]
            )


def _settings(mailbox: Mailbox, random: Random) -> Row:
    away = random.random() < 0.2
    return {
        "mailbox": mailbox.address,
        "auto_reply_status": "scheduled" if away else "disabled",
        "internal_reply": "I am away until Monday. Please write to my colleagues, who know all of it." if away else "",
        "time_zone": random.choice(ZONES),
        "language": random.choice(("en-US", "en-US", "de-DE", "fr-FR")),
        "working_start": "08:00:00",
    }


def report(folder: Path, number: int, seconds: int = 90, manifest: Manifest = REPORT) -> RunDir:
    """A run of `settings.report` with curves."""
    run = write_run(folder, replace(manifest, seconds=float(seconds)), mailboxes(number), columns=COLUMNS)
    curves(folder, number, seconds)
    return run


def curves(folder: Path, number: int, seconds: int) -> None:
    """Samples of a run in two processes, throttled for a while in the second."""
    random, first = Random(1), seconds // 3
    samples, done, throttled = list[Sample](), 0.0, 0
    for second in range(seconds + 1):
        slow = 0.5 < second / seconds < 0.65
        share = min(1.0, 0.15 + second / 20) * (0.35 if slow else 1.0) * random.uniform(0.9, 1.1)
        done = min(number, done + share * number / seconds * 1.12)
        throttled += random.randrange(4) if slow else 0
        samples.append(
            Sample(at=1.8e9 + second, seconds=float(second - first * (second >= first)), done=int(done),
                   requests=int(done * 1.07), throttled=throttled, in_flight=int(60 * share),
                   waiting=random.randrange(40) if slow else 0, memory=90_000_000 + 20_000 * second)
        )  # fmt: skip
    for process in (samples[:first], samples[first:]):
        written = Samples(folder)
        written.add(process, last=True)
        written.close()


def hostile(folder: Path) -> RunDir:
    """Every text that comes from outside is one that would like to be more than a text."""
    found = []
    for row, text in enumerate(HOSTILE, 2):
        mailbox = Mailbox(f"{text[:60]}@contoso.com", row)
        cells = dict.fromkeys(COLUMNS, text) | {f"col {text[:40]}": text}
        found.append(
            Mailboxful(Outcome(mailbox, Status.OK, 1, Tally(1, 1, 1.0, text[:80]), 0.1 * row, None, 1), [cells])
        )
        problem = Problem(text[:80], text, 500)
        found.append(Mailboxful(Outcome(Mailbox(f"{text[:60]}@b", row + 99), Status.FAILED, 0, Tally(1), 0.1, problem)))
    manifest = replace(
        REPORT, task="own.task", options={"text": HOSTILE[0], HOSTILE[1]: HOSTILE[2]}, code=HOSTILE[1],
        reason=HOSTILE[0], key_columns=None, counts=Counts(9, invalid=2),
        warnings=HOSTILE, host=HOSTILE[2], waits={HOSTILE[1]: Waited(3, 9.0)}, job=replace(REPORT.job, path=HOSTILE[3]),
        app=replace(REPORT.app, tenant_id=HOSTILE[0], client_id=HOSTILE[4]),
    )  # fmt: skip
    run = write_run(folder, manifest, found, columns=[*COLUMNS, *(f"col {text[:40]}" for text in HOSTILE)])
    rejected = "".join(f'{row},invalid,why,"{text.replace(chr(34), "")}"\r\n' for row, text in enumerate(HOSTILE, 2))
    (folder / "rejected.csv").write_text(f"row,reason,why,value\r\n{rejected}", encoding="utf-8", newline="")
    return run


def applied(folder: Path, number: int = 300, *, mode: Literal["plan", "apply"] = "apply") -> RunDir:
    """A run of `settings.apply`: its changes, one of which was refused and one lost."""
    manifest = replace(
        NIGHT, task="settings.apply", mode=mode, reason="", key_columns=("setting",),
        exit_code=0 if mode == "plan" else 3,
        changes={"planned": number} if mode == "plan" else {"done": number - 2, "refused": 1, "unknown": 1},
    )  # fmt: skip
    found, ledger = list[Mailboxful](), list[Intent | Concluded]()
    for place in range(number):
        mailbox = Mailbox(f"user{place:06}@contoso.com", place + 2)
        before = {"timeZone": ("UTC", "Romance Standard Time")[place % 2], "language": {"locale": "en-US"}}
        after = {"timeZone": "W. Europe Standard Time", "language": {"locale": "de-DE" if place % 3 else "en-US"}}
        change = Change("settings", before, after)
        ledger.append(Intent(place, mailbox.row, mailbox.address, change, Effect.IDEMPOTENT, planned=mode == "plan"))
        ending = {number - 1: Ending.REFUSED, number - 2: Ending.UNKNOWN}.get(place, Ending.DONE)
        if mode == "apply":
            ledger.append(Concluded(place, mailbox.row, ending))
        status = {Ending.REFUSED: Status.FAILED, Ending.UNKNOWN: Status.UNKNOWN}.get(ending, Status.OK)
        status = status if mode == "apply" else Status.OK
        problem = None if status is Status.OK else Problem("OutcomeUnknown", "The answer was lost.")
        row = {"mailbox": mailbox.address, "setting": "time_zone", "before": before["timeZone"],
               "after": after["timeZone"], "state": "planned" if mode == "plan" else "done"}  # fmt: skip
        found.append(Mailboxful(Outcome(mailbox, status, 1, Tally(2), 0.3, problem), [row]))
    run = write_run(folder, manifest, found, columns=("mailbox", "setting", "before", "after", "state"))
    _ledger(folder, ledger)
    return run


def _ledger(folder: Path, entries: Iterable[Intent | Concluded]) -> None:
    (folder / "changes.ndjson").write_bytes(sealed([encode_change(entry) for entry in entries], 0))


def failed(folder: Path) -> RunDir:
    """A run that the service broke off."""
    manifest = replace(
        REPORT, state="failed", exit_code=5,
        reason="Graph does not answer (503) since 10 min; the last try was at 03:12",
    )  # fmt: skip
    found = list(mailboxes(40))
    for row in range(42, 140):
        problem = Problem("NotRun", "The run ended before its turn.")
        found.append(
            Mailboxful(Outcome(Mailbox(f"user{row}@contoso.com", row), Status.NOT_RUN, 0, Tally(), 0.0, problem))
        )
    return write_run(folder, manifest, found, columns=COLUMNS)


def nothing(folder: Path) -> RunDir:
    """A run whose list was empty."""
    return write_run(folder, replace(REPORT, exit_code=2), [], columns=COLUMNS)


KINDS = {
    "small": lambda folder: report(folder, 20, 12),
    "middle": lambda folder: report(folder, 2000),
    "hostile": hostile,
    "applied": applied,
    "planned": lambda folder: applied(folder, mode="plan"),
    "failed": failed,
    "nothing": nothing,
}
"""Runs by what they are."""
