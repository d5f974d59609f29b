"""The facts of a run in the words and figures of its page, section by section. What is empty is left out. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bulkmail.errors import EXIT_CODES
from bulkmail.model import Ending, Status
from bulkmail.report.page.charts import Bars, Part, bars, lines, parts, spread
from bulkmail.report.page.columns import Column
from bulkmail.report.page.facts import FINDINGS, Facts
from bulkmail.report.page.tolls import STEPS
from bulkmail.report.reasons import Reason
from bulkmail.report.text import MEANINGS, moment, of_what
from bulkmail.report.verdict import verdict
from bulkmail.report.view import View
from bulkmail.rundir.manifest import Manifest, PinnedInput
from bulkmail.sink.plain import text
from bulkmail.text import counted, duration, figure

MEANS: Mapping[Status, str] = {
    Status.OK: "done",
    Status.ABSENT: "no mailbox there",
    Status.DENIED: "the application may not touch it",
    Status.FAILED: "did not succeed",
    **MEANINGS,
}
"""How a mailbox ended, in words."""

PROBLEMS = 30
"""Reasons that are shown; the rest is counted."""

MODES = {"read": "report", "plan": "plan", "drift": "drift", "apply": "apply"}


WARNINGS = 20
"""Warnings of a run that are shown."""


class Level(NamedTuple):
    """How well a run is: `name` for its colour and sign, and in words."""

    name: str
    words: str


GOOD, LOOK, BAD, GOING = (
    Level("good", "All well"), Level("look", "Needs a look"), Level("bad", "Failed"), Level("going", "Still running"),
)  # fmt: skip
PARTLY = Level("look", "Not complete")

_LEVELS: Mapping[str, Level] = {
    "running": GOING, "killed": Level("bad", "Killed"), "damaged": Level("bad", "Damaged"),
    "failed": BAD, "stopped": PARTLY,
}  # fmt: skip


class Figure(NamedTuple):
    """A figure with what it counts, and what there is to say of it."""

    label: str
    value: str
    note: str = ""


class Count(NamedTuple):
    """Mailboxes that ended in one way, and how that differs from the run before; None where there was none."""

    status: str
    number: int
    share: float
    means: str
    since: int | None


class Drawn(NamedTuple):
    """A column with its picture: for each of its values its share of the rows that hold any, or bars of how its numbers
    are spread, with the one in the `middle`."""

    column: Column
    shares: Sequence[float]
    chart: Bars | None
    middle: str


def content(facts: Facts, steps: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """What the template names. `steps` are what to do next: why, and the command, which may be empty."""
    view, problems = facts.view, _problems(facts.view)
    return {
        "title": title(view.manifest),
        "subtitle": [text for text in _subtitle(view.manifest) if text],
        "mode": MODES[view.manifest.mode],
        "level": level(view),
        "verdict": verdict(view),
        "meaning": _meaning(view),
        "damage": facts.damage if view.standing != "damaged" else "",
        "steps": steps,
        "figures": list(_figures(facts)),
        "counts": list(_counts(view)),
        "bar": _bar(view),
        "previous": moment(view.previous.started) if view.previous else "",
        "findings": facts.findings,
        "most_findings": FINDINGS,
        "found": view.manifest.sums.findings,
        "problems": problems[:PROBLEMS],
        "more_problems": len(problems[PROBLEMS:]),
        "curves": [] if facts.curves is None else lines(facts.curves),
        "resumed": 0 if facts.curves is None else len(facts.curves.resumed),
        "curve_rows": _curve_rows(facts),
        "waits": sorted(view.manifest.waits.items(), key=lambda pair: -pair[1].seconds)[:PROBLEMS],
        "tolled": facts.tolled,
        "times": _times(facts),
        "columns": [_drawn(one) for one in facts.columns if one.kind in ("values", "numbers")],
        "plain_columns": [one for one in facts.columns if one.kind in ("same", "texts", "many")],
        "empty_columns": [one.name for one in facts.columns if one.kind == "empty"],
        "changes": facts.changes,
        "endings": [(str(one), number) for one in Ending if (number := view.manifest.changes.get(one, 0))],
        "widest": max((number for _, number in facts.changes.frequent), default=1) if facts.changes else 1,
        "results": view.results,
        "accounts": _accounts(view.manifest),
        "rejected": facts.rejected,
        "provenance": [pair for pair in _provenance(facts) if pair[1]],
        "outputs": view.manifest.outputs,
        "files": view.files,
        "warnings": view.manifest.warnings[:WARNINGS],
    }


def title(manifest: Manifest) -> str:
    return f"{'undo of ' * manifest.undo}{manifest.task}"


def level(view: View) -> Level:
    """How well a run is, as far as that can be said in two words."""
    manifest = view.manifest
    state = view.standing if view.standing != "ended" else manifest.state
    if state in _LEVELS:
        return _LEVELS[state]
    return GOOD if manifest.exit_code == 0 else BAD if manifest.exit_code == 1 else LOOK


def _subtitle(manifest: Manifest) -> Iterator[str]:
    yield manifest.app.tenant_id
    yield manifest.job.path.replace("\\", "/").rpartition("/")[2]
    yield moment(manifest.started)
    yield of_what(manifest)


def _meaning(view: View) -> str:
    code = view.manifest.exit_code
    if code is None or view.standing != "ended":
        return ""
    return f"Exit code {code}: {EXIT_CODES.get(code, '').replace('`', '')}"


def _figures(facts: Facts) -> Iterator[Figure]:
    view = facts.view
    manifest, sums = view.manifest, view.manifest.sums
    done = sums.mailboxes - manifest.statuses.get(Status.NOT_RUN, 0)
    expected = manifest.input.mailboxes
    yield Figure("mailboxes", f"{done:,}", f"of {expected:,}" if expected else "")
    if manifest.mode != "read":
        number = sum(manifest.changes.get(one, 0) for one in (Ending.PLANNED, Ending.DONE))
        kinds = view.written.kinds if view.written else {}
        yield Figure("changes", f"{number:,}", ", ".join(f"{count:,} {kind}" for kind, count in kinds.items()))
    if sums.findings:
        yield Figure("with findings", f"{sums.findings:,}", "mailboxes to look into")
    yield Figure("rows", f"{sums.rows:,}")
    yield Figure("requests", f"{sums.requests:,}", f"{sums.retried:,} repeated" if sums.retried else "")
    yield Figure("refused", f"{sums.throttled:,}", "by a limit of the service")
    if manifest.seconds:
        each = f"{figure(done / manifest.seconds)} mailboxes a second" if done else ""
        yield Figure("of work", duration(manifest.seconds), each)
    if manifest.certificate_days_left is not None:
        yield Figure("certificate", counted(manifest.certificate_days_left, "day"), "left when the run began")


def _counts(view: View) -> Iterator[Count]:
    now, before = view.manifest.statuses, view.previous
    total = sum(now.values())
    for status in Status:
        number = now.get(status, 0)
        since = None if before is None else number - before.statuses.get(status, 0)
        if number or since:
            yield Count(str(status), number, number / total if total else 0.0, MEANS[status], since)


def _bar(view: View) -> list[tuple[str, Part]]:
    numbers = [view.manifest.statuses.get(status, 0) for status in Status]
    return list(zip(map(str, Status), parts(numbers), strict=True))


def _problems(view: View) -> list[Reason]:
    """The reasons of all that did not end well, the most frequent first; `NotRun` explains nothing."""
    found = [reason for reasons in view.reasons.values() for reason in reasons if reason.code != "NotRun"]
    return sorted(found, key=lambda reason: -reason.mailboxes)


def _curve_rows(facts: Facts, most: int = 12) -> list[tuple[str, list[float]]]:
    """The figures of the curves at some of their times, for those who do not see them."""
    curves = facts.curves
    if curves is None:
        return []
    every = max(1, len(curves.times) // most)
    picked = range(0, len(curves.times), every)
    return [(duration(curves.times[at]), [one.values[at] for one in curves.curves]) for at in picked]


def _times(facts: Facts) -> Bars | None:
    if not facts.tolled.busy:
        return None
    labels = [*(f"{limit:g}" for limit in STEPS), f"> {STEPS[-1]:g}"]
    by_seconds = list(zip(labels, facts.tolled.spread, strict=True))
    filled = [place for place, (_, number) in enumerate(by_seconds) if number]
    return bars(by_seconds[filled[0] : filled[-1] + 1])


def _drawn(column: Column) -> Drawn:
    if column.kind == "numbers":
        middle = column.numbers[len(column.numbers) // 2]
        return Drawn(column, (), bars(spread(column.numbers)), text(middle))
    return Drawn(column, [value.rows / column.filled for value in column.values], None, "")


ACCOUNTS: Mapping[str, str] = {
    "unique": "mailboxes",
    "duplicates": "duplicates",
    "blank": "blank",
    "invalid": "not an address",
    "excluded": "in the list of exceptions",
    "unmatched": "not meant by `where`",
    "skipped": "skipped",
    "unsampled": "not drawn",
    "beyond": "beyond the limit",
}
"""What becomes of the rows of an input, in words."""


def _accounts(manifest: Manifest) -> list[Figure]:
    """Rows of the input and what became of them; they add up."""
    counts = manifest.counts
    found = {words: getattr(counts, name) for name, words in ACCOUNTS.items()}
    told = [Figure(words, f"{number:,}") for words, number in found.items() if number or words == "mailboxes"]
    return [Figure("rows of the input", f"{counts.rows:,}"), *told]


def _provenance(facts: Facts) -> Iterator[tuple[str, str]]:
    manifest = facts.view.manifest
    given, app = manifest.input, manifest.app
    yield "run", manifest.id
    yield "bulkmail", manifest.version
    yield "task", f"{manifest.task} ({manifest.code})"
    yield "options", ", ".join(f"{name} = {text(value)}" for name, value in manifest.options.items())
    yield "permission", facts.permission
    yield "application", f"{app.client_id} in {app.tenant_id} ({app.cloud})"
    yield "certificate", f"until {moment(manifest.certificate_expires)}" if manifest.certificate_expires else ""
    yield "job", manifest.job.path
    yield "input", ", ".join(given.paths) or given.group or given.users or ""
    yield "input, as chosen", ", ".join(_chosen(given))
    yield "input, SHA-256", given.sha256 or ""
    yield "began", moment(manifest.started)
    yield "ended", moment(manifest.ended) if manifest.ended else ""
    yield "process", f"{manifest.pid} on {manifest.host}"
    yield "goes on from", manifest.parent
    yield "directory", str(facts.view.folder.resolve())


def _chosen(given: PinnedInput) -> Iterator[str]:
    """What of the list the job wants."""
    for name in ("where", "exclude", "skip", "sample", "seed", "limit"):
        if value := getattr(given, name):
            yield f"{name} = {text(value)}"
