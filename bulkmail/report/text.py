"""Tells a view as text that can be mailed: what it is of, the verdict first, reasons in sentences, where the files are.

Lines are wrapped at words to a width. Paths and commands are not: they are there to be copied. Everything that comes
from outside is one line without control characters.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from bulkmail.errors import EXIT_CODES
from bulkmail.model import Ending, Status
from bulkmail.report.reasons import SPLIT, Reason, absent_split
from bulkmail.report.verdict import verdict
from bulkmail.report.view import View
from bulkmail.rundir.manifest import Manifest, Service, Waited
from bulkmail.source.columns import ID_NAMES, fold
from bulkmail.source.empty import left_out
from bulkmail.text import counted, duration, one_line, visible

LABEL = 10
"""Characters that the word in front of a line takes."""

COUNTED = LABEL + 11
"""Where text behind a number of mailboxes begins."""

ROOM = 60
"""Characters of a line from which it pays to go on under that text."""

MOST = 5
"""Lines of waits and of reasons for one status; the rest is in the files."""

SAID = 160
"""Characters of a sentence of the service; the whole of it is in `outcomes.csv`."""

MEANINGS = {
    Status.UNKNOWN: "may or may not have been changed",
    Status.NOT_RUN: "not begun, or not finished",
}


LEAST_NOISE = 0.0005
"""Share of refusals at any rate from which it is told."""

SMALL = 10
"""Requests a second below which a limit is told with a decimal."""

UNDONE = {
    "restored": "undone",
    "planned": "to be undone",
    "already": "as before already",
    "kept": "kept (had no value before)",
    "changed": "left alone (changed since)",
}
"""What became of the changes that an undo was to take back, in words; `gone` is one."""


class Line(NamedTuple):
    """A line of a telling: the word in front, empty where it goes on with the line before. `whole` is not wrapped;
    another one goes on `hang` characters to the right, where the screen has room for that."""

    label: str
    text: str
    whole: bool = False
    hang: int = LABEL


def tell(view: View, *, hints: Sequence[str] = (), zone: tzinfo | None = None) -> list[Line]:
    """All lines. `hints` are what to do next, each followed by its command; times are of `zone`, by
    default that of this machine."""
    lines = [
        *_title(view, zone),
        Line("verdict", verdict(view)),
        *_counts(view),
        *_since(view, zone),
        *_work(view, zone),
        *_findings(view.manifest),
        *_changes(view),
        *_certificate(view.manifest),
    ]
    if view.manifest.exit_code is not None and view.standing == "ended":
        code = view.manifest.exit_code
        lines.append(Line("exit", f"{code}: {EXIT_CODES.get(code, '').replace('`', '')}"))
    lines += [Line("files", str(view.folder.resolve()), whole=True), Line("", ", ".join(view.files))]
    return [
        *lines,
        *(Line("next" if first else "", hint, whole=hint.startswith("bulkmail ")) for first, hint in _first(hints)),
    ]


def laid_out(lines: Iterable[Line], width: int) -> list[str]:
    """The lines as they are printed, none longer than `width` unless it is whole or a single word is longer."""
    found: list[str] = []
    for label, text, whole, hang in lines:
        lead = f"{label:<{LABEL - 1}} " if label or text else ""
        if label == TITLE:
            found += textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
        elif whole:
            found.append(lead + text)
        else:
            indent = " " * (hang if width >= ROOM else LABEL)
            found += textwrap.wrap(
                text, max(width, LABEL + 20), initial_indent=lead, subsequent_indent=indent, break_long_words=False,
                break_on_hyphens=False,
            ) or [lead.rstrip()]  # fmt: skip
    return [visible(line).rstrip() for line in found]  # whole lines hold paths as they are


TITLE = "title"
"""The label of lines that stand at the margin, without it."""


def _first(items: Iterable[str]) -> Iterator[tuple[bool, str]]:
    return ((not place, item) for place, item in enumerate(items))


def _title(view: View, zone: tzinfo | None) -> list[Line]:
    manifest = view.manifest
    mode = "REPORT" if manifest.mode == "read" else manifest.mode.upper()
    task = f"undo of {manifest.task}" if manifest.undo else manifest.task
    job = manifest.job.path.replace("\\", "/").rpartition("/")[2]
    names = (task, mode, manifest.app.tenant_id, job)
    return [
        Line(TITLE, "  ".join(one_line(name) for name in names if name)),
        Line(TITLE, _when(manifest, zone)),
        Line(TITLE, of_what(manifest)),
        Line("", ""),
    ]


def _when(manifest: Manifest, zone: tzinfo | None) -> str:
    began = _at(manifest.started, zone)
    if not manifest.ended:
        return f"since {moment(manifest.started, zone)}"
    ended = _at(manifest.ended, zone)
    until = f"{ended:%H:%M:%S}" if ended.date() == began.date() else f"{ended:%a %d %b %Y %H:%M:%S}"
    return f"{began:%a %d %b %Y %H:%M:%S} - {until} ({duration(manifest.seconds)} of work)"


def moment(text: str, zone: tzinfo | None = None) -> str:
    """A time of a manifest for people."""
    return f"{_at(text, zone):%a %d %b %Y %H:%M:%S}"


def _at(text: str, zone: tzinfo | None) -> datetime:
    return datetime.fromisoformat(text).astimezone(zone)


def of_what(manifest: Manifest) -> str:
    """How many mailboxes, of which list and which of its columns."""
    given = manifest.input
    done = manifest.sums.mailboxes - manifest.statuses.get(Status.NOT_RUN, 0)
    if paths := given.paths:
        first = "standard input" if paths[0] == "-" else paths[0].replace("\\", "/").rpartition("/")[2]
        source = f"{first} and {len(paths) - 1:,} more" if paths[1:] else first
    elif given.group:
        source = f"the group {given.group}"
    else:
        source = f"the users with {given.users}" if given.users else "all users of the directory"
    known = f"{done:,}" if given.mailboxes is None else f"{done:,} of {given.mailboxes:,}"
    told = f"{known} mailboxes of {one_line(source)}"
    if named := list(_columns(manifest)):
        told += f" ({'; '.join(named)})"
    return told + (f", limited to the first {given.limit:,}" if given.limit else "")


def _columns(manifest: Manifest) -> Iterator[str]:
    """Which columns of the list named the mailboxes. An id beside an address is what a mailbox is asked for by."""
    first, *others = map(one_line, manifest.columns or (manifest.input.column,))
    if first:
        yield f"column {first}"
    ids = [name for name in others if fold(name) in ID_NAMES]
    also = [name for name in others if name not in ids]
    if also:
        yield f"where that names none: {', '.join(also)}"
    if ids:
        yield f"asked for by the id in {ids[0]}"


def _counts(view: View) -> Iterator[Line]:
    found = view.manifest.statuses
    for status in Status:
        number = found.get(status, 0)
        if number:
            notes = list(_notes(view, status))
            yield Line(status, f"{number:>9,}  {notes[0] if notes else ''}".rstrip(), hang=COUNTED)
            yield from (Line("", f"           {note}", hang=COUNTED) for note in notes[1:])
    yield Line("in all", f"{sum(found.values()):>9,}")
    counts = view.manifest.counts
    if counts.invalid:
        yield Line(
            "rejected", f"{counts.invalid:>9,}  rows of the list name no mailbox: see rejected.csv", hang=COUNTED
        )


def _notes(view: View, status: Status) -> Iterator[str]:
    """What is to be said of the mailboxes that ended so."""
    reasons = view.reasons.get(status, ())
    if status in MEANINGS:
        yield MEANINGS[status]
    if status is Status.ABSENT:
        yield "; ".join(f"{number:,} {SPLIT[gone]}" for gone, number in absent_split(reasons).items() if number)
        return
    for reason in reasons[:MOST]:
        if reason.code != "NotRun":
            yield _sentence(reason)
            yield from [one_line(reason.advice)] if reason.advice else []
    if len(reasons) > MOST:
        yield f"and {len(reasons) - MOST:,} other reasons: see failed.csv"


def _sentence(reason: Reason) -> str:
    said = one_line(reason.said)
    said = said if len(said) <= SAID else said[: SAID - 1] + "…"
    often = "once" if reason.mailboxes == 1 else f"{reason.mailboxes:,} times"
    return f'{often} {one_line(reason.code)}: "{said}" (first: {one_line(reason.first)})'


def _since(view: View, zone: tzinfo | None) -> Iterator[Line]:
    """How the figures differ from those of the run before."""
    before, now = view.previous, view.manifest
    if before is None or view.standing != "ended":
        return
    told = [_difference(str(status), before.statuses.get(status, 0), now.statuses.get(status, 0)) for status in Status]
    planned = Ending.PLANNED
    told.append(_difference("planned changes", before.changes.get(planned, 0), now.changes.get(planned, 0)))
    listed = ", ".join(text for text in told if text)
    when = f"{_at(before.started, zone):%d %b %Y %H:%M}"
    yield Line("since", f"{when} ({one_line(view.previous_folder)}): {listed or 'the same figures'}")


def _difference(name: str, before: int, now: int) -> str:
    return f"{name} {now - before:+,}" if now != before else ""


def _work(view: View, zone: tzinfo | None) -> Iterator[Line]:
    manifest = view.manifest
    sums, counts = manifest.sums, manifest.counts
    if counts.rows:
        listed = (
            (counts.unique, "unique"), (counts.duplicates, "duplicate"), (counts.blank, "blank"),
            (counts.invalid, "invalid"), (counts.left_out, "left out"),
        )  # fmt: skip
        parts = " + ".join(f"{number:,} {word}" for number, word in listed if number or word == "unique")
        yield Line("input", f"{counted(counts.rows, 'row')} = {parts}")
    if counts.left_out:
        yield Line("left out", f"{counted(counts.left_out, 'mailbox', 'mailboxes')}: {left_out(counts)}")
    spent = f", in {duration(manifest.seconds)}" if manifest.seconds else ""
    yield Line(
        "work",
        f"{counted(sums.requests, 'request')}, {sums.throttled:,} throttled, {sums.retried:,} retried, "
        f"{counted(sums.rows, 'row')}{spent}",
    )
    if view.last is not None and view.last_at is not None:
        last = f"{one_line(view.last.mailbox.address)} {view.last.status}"
        yield Line("last", f"{view.last_at.astimezone(zone):%H:%M:%S} {last}; {view.rate:,.1f} mailboxes/s on the mean")
    for warning in manifest.warnings:
        yield Line("warning", one_line(warning))
    if told := belief(manifest.service):
        yield Line("service", told)
    for first, text in _first(_waits(manifest)):
        yield Line("waits" if first else "", text)


def belief(service: Service) -> str:
    """What is believed of the service in a sentence; empty where it has refused nothing that tells of it."""
    said = []
    if service.limit is not None:
        limit = f"{service.limit:,.0f}" if service.limit >= SMALL else f"{service.limit:.1f}"
        said.append(f"takes about {limit} requests/s (so for {duration(service.limit_seconds)})")
    if service.noise >= LEAST_NOISE:
        said.append(f"refuses {100 * service.noise:.2g} % at any rate (so for {duration(service.noise_seconds)})")
    return " and ".join(said)


def _waits(manifest: Manifest) -> list[str]:
    """Which limits asked for waits, how often and how long in all; the longest first. A run that ends before they have
    passed has not waited them."""
    found = sorted(manifest.waits.items(), key=lambda pair: -pair[1].seconds)
    told = [f"{_times(wait)} {one_line(by)}: {duration(wait.seconds)} asked for" for by, wait in found[:MOST]]
    return [*told, f"{duration(manifest.sums.waited)} were waited, by all requests together"] if told else []


def _times(wait: Waited) -> str:
    return "once" if wait.times == 1 else f"{wait.times:,} times"


def _findings(manifest: Manifest) -> Iterator[Line]:
    if found := manifest.sums.findings:
        yield Line("findings", f"{counted(found, 'mailbox', 'mailboxes')} with something to look into")


def _changes(view: View) -> Iterator[Line]:
    """What was changed, or would be; nothing for a run that reads."""
    manifest, made = view.manifest, view.written
    if manifest.mode == "read":
        return
    settled = made.settled if made else 0
    numbers = {ending: manifest.changes.get(ending, 0) for ending in Ending}
    numbers[Ending.DONE] += settled
    numbers[Ending.UNKNOWN] = max(0, numbers[Ending.UNKNOWN] - settled)
    listed = ", ".join(f"{number:,} {ending}" for ending, number in numbers.items() if number) or "none"
    listed += f" ({settled:,} of them after a look: their answers were lost)" if settled else ""
    if made and made.kinds:
        kinds = ", ".join(f"{number:,} {name}" for name, number in made.kinds.items())
        listed += f": {kinds}, in {counted(made.mailboxes, 'mailbox', 'mailboxes')}"
    yield Line("changes", listed if manifest.mode == "apply" else f"{listed}; nothing was sent")
    words = UNDONE if manifest.undo else {}
    if view.results:
        told = (f"{number:,} {words.get(name, one_line(name))}" for name, number in view.results.items())
        yield Line("results", ", ".join(told))


def _certificate(manifest: Manifest) -> Iterator[Line]:
    left = manifest.certificate_days_left
    if left is not None:
        until = datetime.fromisoformat(manifest.certificate_expires)
        renew = "; make its successor now: bulkmail cert new" if left < 30 else ""
        yield Line("expires", f"the certificate has {counted(left, 'day')} left, until {until:%d %b %Y}{renew}")
