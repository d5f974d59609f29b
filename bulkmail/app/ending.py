"""How a run ended, in words, in an exit code and in its manifest. Writes `failed.csv` and the last `run.json`."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from bulkmail.core.advice import ADVICE
from bulkmail.errors import BulkmailError
from bulkmail.model import Counts, Digest, Ending, Status
from bulkmail.run.outputs import OutputSettings
from bulkmail.run.stop import CANCELLED, Reason
from bulkmail.rundir.addresses import Addresses, write_manifest
from bulkmail.rundir.digests import digests
from bulkmail.rundir.entries import WELL
from bulkmail.rundir.failed import drop_failed, write_failed
from bulkmail.rundir.figures import sums, waits
from bulkmail.rundir.folder import part_sheets
from bulkmail.rundir.manifest import Manifest, State, now
from bulkmail.rundir.maskkey import known
from bulkmail.rundir.ordered import drop_sorted, write_sorted
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.recovery import Recovered
from bulkmail.rundir.totals import Totals
from bulkmail.rundir.verdicts import write_verdicts
from bulkmail.task.undo import LEFT, RESULT
from bulkmail.text import one_line

OK, DEFECT, NOT_ALL_OK, DRIFT, DRIFT_AND_NOT_OK = 0, 1, 3, 8, 9
"""Exit codes of runs that came to their end, and of a mistake in bulkmail itself."""

BUG = f"{Status.FAILED} TaskError"
"""How the problem of a mailbox is counted when its task raised an error of its own."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over: where it lies, its manifest as written, and what ended it early, if anything did."""

    folder: Path
    manifest: Manifest
    failure: Exception | None


class Found(NamedTuple):
    """What a run that came to its end found: mailboxes that are not ok, drift, changes that an undo left as they are,
    a task that raised an error of its own in every mailbox, and mailboxes with something to look into."""

    not_ok: int = 0
    drift: bool = False
    left: int = 0
    bug: bool = False
    findings: int = 0


class Verdict(NamedTuple):
    """What `run.json` says of the end of a run."""

    state: State
    reason: str
    exit_code: int


def verdict(failure: BaseException | None, reason: Reason | None, found: Found) -> Verdict:
    """An error tells most, then the wish to stop; a run that came to its end is judged by what it found."""
    if isinstance(failure, BulkmailError):
        return Verdict("failed", one_line(str(failure)), failure.exit_code)
    if isinstance(failure, Exception):
        return Verdict("failed", f"a defect: {type(failure).__name__}", DEFECT)
    if reason is not None:
        return Verdict("stopped", reason.text, reason.code)
    if failure is not None:
        return Verdict("stopped", CANCELLED.text, CANCELLED.code)
    return _judged(found)


def _judged(found: Found) -> Verdict:
    if found.bug:
        return Verdict("finished", "the task raised an error in every mailbox: a bug in the task", DEFECT)
    if found.drift:
        besides = ", and some mailboxes could not be looked at" if found.not_ok else ""
        what = f"{found.findings:,} mailboxes have findings" if found.findings else "drift was found"
        return Verdict("finished", f"{what}{besides}", DRIFT_AND_NOT_OK if found.not_ok else DRIFT)
    if found.left:
        return Verdict("finished", f"{found.left:,} changes could not be taken back: see records.csv", NOT_ALL_OK)
    return Verdict("finished", "", NOT_ALL_OK if found.not_ok else OK)


def advice_on(problems: Iterable[str]) -> dict[str, str]:
    """What to do about the codes among problems, each of which is a status and a code."""
    codes = dict.fromkeys(problem.partition(" ")[2] for problem in problems)
    return {code: ADVICE[code] for code in codes if code in ADVICE}


async def end(
    folder: Path, manifest: Manifest, recovered: Recovered, failure: BaseException | None, reason: Reason | None, *,
    seconds: float, counts: Counts, absent_is_failure: bool, addresses: Addresses | None = None,
) -> Ended:  # fmt: skip
    """Writes how the run in `folder` ended. An error on the way is the run's own end, unless there was one before.

    `seconds` is how long this process has run; `addresses` are those of a masked run. Raises OutputError if not even
    `run.json` can be written.
    """
    totals, outputs, looked = recovered.totals, dict[str, Digest](), Looked()
    try:
        await asyncio.to_thread(_write_more, folder, manifest, totals, whole=failure is None and reason is None)
        looked = await asyncio.to_thread(_look, folder, manifest, recovered)
        names = OutputSettings(manifest.output.format).names()
        outputs = await asyncio.to_thread(lambda: digests(folder, [*names, *part_sheets(folder)]))
    except BulkmailError as error:
        failure = failure or error
    changes = recovered.changes.counts
    found = Found(
        totals.not_ok + (totals.statuses[Status.ABSENT] if absent_is_failure else 0),
        manifest.mode == "drift" and (changes[Ending.PLANNED] > 0 or totals.findings > 0),
        sum(looked.undone.get(result, 0) for result in LEFT),
        _is_bug(totals),
        totals.findings,
    )
    state, text, code = verdict(failure, reason, found)
    ended = replace(
        manifest,
        state=state,
        reason=text,
        exit_code=code,
        ended=now(),
        seconds=round(manifest.seconds + seconds, 3),
        counts=counts,
        statuses={str(status): totals.statuses[status] for status in Status},
        sums=sums(totals),
        changes={str(ending): number for ending, number in changes.items() if number},
        undone=looked.undone,
        drift=found.drift if manifest.mode == "drift" else None,
        sent_once=looked.sent_once,
        waits=waits(totals),
        problems=dict(totals.problems),
        advice=advice_on(totals.problems),
        outputs=outputs,
    )
    written = await asyncio.to_thread(write_manifest, ended, folder, addresses)
    return Ended(folder, written, failure if isinstance(failure, Exception) else None)


@dataclass(frozen=True, slots=True)
class Looked:
    """What is only known once all is written; see `Manifest`."""

    undone: Mapping[str, int] = field(default_factory=dict)
    sent_once: Mapping[str, int] = field(default_factory=dict)


def _write_more(folder: Path, manifest: Manifest, totals: Totals, *, whole: bool) -> None:
    """What is made of the outcomes and rows once all are there; whether they are, if the run came to its end as a
    whole."""
    run, style = RunDir(folder), manifest.output
    if whole and not any(number for status, number in totals.statuses.items() if status not in WELL):
        drop_failed(folder)  # to look for them would take another pass over a journal of millions of entries
    else:
        write_failed(
            run, bom=style.bom, delimiter=style.delimiter, own_columns=not manifest.undo, mask=known(style.mask)
        )  # fmt: skip
    if "csv" in style.format:
        write_verdicts(run, style)
    for suffix in style.format:
        drop_sorted(folder, suffix)
        if style.order == "input" and whole:
            write_sorted(run, suffix)


def _look(folder: Path, manifest: Manifest, recovered: Recovered) -> Looked:
    """Reads the ledger of an apply once more where anything is in doubt, and the rows of an undo."""
    run, totals = RunDir(folder), recovered.totals
    undone, once = Counter[str](), Counter[str]()
    if manifest.undo:
        undone = Counter(str(row.get(RESULT)) for row in run.records())
    if manifest.mode == "apply" and totals.not_ok and (rows := run.sent_once()):
        outcomes = (outcome for _, (outcome, _) in run.committed(but_ok=True))
        once = Counter(str(one.status) for one in outcomes if one.mailbox.row in rows)
    return Looked(dict(undone), dict(once))


def _is_bug(totals: Totals) -> bool:
    """Whether the task raised an error of its own in every mailbox that is there."""
    failed = totals.statuses[Status.FAILED]
    return bool(failed) and failed == totals.problems[BUG] == totals.done - totals.statuses[Status.ABSENT]
