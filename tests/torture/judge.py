"""Judges a run that was disturbed until it was complete: by its files, by its twin's, and by the tenant's own books.

Reads the files as anybody would, with nothing of bulkmail. What may differ from the twin is put aside: in outcomes
what the work cost (requests, throttled, waited, seconds), places in files and checksums, and ids of requests; in what
a mailbox holds ids, times and versions. Everything else has to be the same, byte by byte, once lines are sorted.

A task that writes tells a row for what it changed, also where a process died between the change and the outcome of its
mailbox: the next one knows from the ledger.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.torture.round import Round
from tests.torture.tenant import Json

OUTCOME = ("mailbox", "id", "status", "rows")
ASIDE = frozenset({
    "id", "immutableId", "parent", "due", "changeKey", "createdDateTime", "lastModifiedDateTime", "sentDateTime",
    "receivedDateTime", "internetMessageId", "parentFolderId", "conversationId", "conversationIndex", "version",
    "transactionId",
})  # fmt: skip


BLOBS = re.compile(rb"blobs/\d+-")
"""The folder of a mailbox, which is named by its row: in the twin's input it is another one."""


def judged(done: Round) -> list[str]:
    """What is wrong with a round; empty where all promises were kept."""
    if not (done.out / "outcomes.ndjson").exists():
        return ["there are no outcomes"]
    outcomes = lines(done.out / "outcomes.ndjson")
    statuses = {line["mailbox"]: line["status"] for line in outcomes}
    return [
        *_accounts(done, outcomes),
        *_files(done, statuses),
        *_held(done, statuses),
        *_books(done),
    ]


def lines(path: Path) -> list[Json]:
    """The objects of an NDJSON file; every line has to be one. Nothing where there is no file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def _accounts(done: Round, outcomes: list[Json]) -> Iterable[str]:
    """Every mailbox has one outcome over all restarts, and the manifest says the same."""
    counted = Counter(line["mailbox"] for line in outcomes)
    lost = set(done.addresses) - set(counted)
    if lost:
        yield f"{len(lost)} mailboxes lost, such as {min(lost)}"
    for mailbox, count in counted.items():
        if count > 1:
            yield f"{mailbox} has {count} outcomes"
    allowed = {"ok", "unknown"} if done.trial.doubtful else {"ok"}
    for line in outcomes:
        if line["status"] not in allowed:
            yield f"{line['mailbox']} ended {line['status']}: {line.get('error')}"
    manifest = json.loads((done.out / "run.json").read_bytes())
    statuses = {status: count for status, count in manifest["statuses"].items() if count}
    if manifest["state"] != "finished" or statuses != Counter(line["status"] for line in outcomes):
        yield f"run.json says {manifest['state']}, {statuses}"
    sheets = sorted(path.name for path in done.out.glob("records.*"))
    if outcomes and outcomes[-1]["offsets"] != {name: (done.out / name).stat().st_size for name in sheets}:
        yield "the files of rows are not as long as the last outcome says"


def _files(done: Round, statuses: dict[str, str]) -> Iterable[str]:
    """The rows of the twin, each once, and no others."""
    asked = set(done.addresses)
    for name in sorted(path.name for path in done.twin_out.glob("records.*")):
        here, there = (Counter(_rows(out / name, asked)) for out in (done.out, done.twin_out))
        for line in here - there:
            yield f"{name} has a row that its twin has not: {line[:200]!r}"
        for line in there - here:
            mailbox = _mailbox(name, line)
            if statuses.get(mailbox) == "ok":
                yield f"{name} lacks a row of {mailbox}"
    if not done.trial.writes:
        here_says, there_says = (Counter(_outcomes(out, asked)) for out in (done.out, done.twin_out))
        differing = (here_says - there_says) + (there_says - here_says)
        yield from (f"an outcome is not as its twin's: {one!r}" for one in differing)


def _rows(path: Path, asked: set[str]) -> Iterable[bytes]:
    """The lines of a file that concern these mailboxes, and the heading of a table."""
    for number, line in enumerate(path.read_bytes().splitlines()):
        if _mailbox(path.name, line) in asked or (number == 0 and path.suffix == ".csv"):
            yield BLOBS.sub(b"blobs/", line)


def _mailbox(name: str, line: bytes) -> str:
    return str(json.loads(line)["mailbox"]) if name.endswith("ndjson") else line.decode().partition(",")[0]


def _outcomes(out: Path, asked: set[str]) -> Iterable[tuple[object, ...]]:
    """Rows of the input have other numbers in the twin's."""
    for line in lines(out / "outcomes.ndjson"):
        if line["mailbox"] in asked:
            yield tuple(line.get(name) for name in OUTCOME)


def _held(done: Round, statuses: dict[str, str]) -> Iterable[str]:
    """What is in the mailboxes is what is in the twin's; where an end is unknown, that or nothing."""
    for kind in done.trial.kinds:
        for address in done.addresses:
            aside = ASIDE - {"parent"} if done.trial.placed else ASIDE
            here, there = (Counter(_plain(row, aside) for row in one.held(kind, address)) for one in done.both)
            if here - there or (statuses.get(address) == "ok" and here != there):
                yield f"{address} ({statuses.get(address)}) holds {kind} {dict(here - there)}, not {dict(there - here)}"


def _plain(row: Json, aside: frozenset[str]) -> str:
    return json.dumps({name: value for name, value in row.items() if name not in aside}, sort_keys=True)


def _books(done: Round) -> Iterable[str]:
    """By the tenant's own count, nothing was done twice that must be done once."""
    if done.trial.once:
        for effect, count in done.tenant.books("?effects=all")["effects"]["repeated"].items():
            if re.search(done.trial.once, effect):
                yield f"done {count} times: {effect}"
