"""How a run ended, in words, in an exit code and in its manifest. Writes `failed.csv` and the last `run.json`."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from bulkmail.core.advice import ADVICE
from bulkmail.errors import BulkmailError
from bulkmail.model import Counts, Digest, Ending, Status
from bulkmail.run.outputs import OutputSettings
from bulkmail.run.stop import CANCELLED, Reason
from bulkmail.rundir.digests import digests
from bulkmail.rundir.failed import write_failed
from bulkmail.rundir.figures import sums, waits
from bulkmail.rundir.manifest import Manifest, State, now
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.recovery import Recovered
from bulkmail.text import one_line

OK, DEFECT, NOT_ALL_OK, DRIFT = 0, 1, 3, 8
"""Exit codes of runs that came to their end, and of a mistake in bulkmail itself."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over: where it lies, its manifest as written, and what ended it early, if anything did."""

    folder: Path
    manifest: Manifest
    failure: Exception | None


class Verdict(NamedTuple):
    """What `run.json` says of the end of a run."""

    state: State
    reason: str
    exit_code: int


def verdict(failure: BaseException | None, reason: Reason | None, *, not_ok: int, drifted: bool) -> Verdict:
    """An error tells most, then the wish to stop; a run that came to its end is judged by its mailboxes."""
    if isinstance(failure, BulkmailError):
        return Verdict("failed", one_line(str(failure)), failure.exit_code)
    if isinstance(failure, Exception):
        return Verdict("failed", f"a defect: {type(failure).__name__}", DEFECT)
    if reason is not None:
        return Verdict("stopped", reason.text, reason.code)
    if failure is not None:
        return Verdict("stopped", CANCELLED.text, CANCELLED.code)
    if not_ok:
        return Verdict("finished", "", NOT_ALL_OK)
    return Verdict("finished", "drift was found", DRIFT) if drifted else Verdict("finished", "", OK)


def advice_on(problems: Iterable[str]) -> dict[str, str]:
    """What to do about the codes among problems, each of which is a status and a code."""
    codes = dict.fromkeys(problem.partition(" ")[2] for problem in problems)
    return {code: ADVICE[code] for code in codes if code in ADVICE}


async def end(
    folder: Path, manifest: Manifest, recovered: Recovered, failure: BaseException | None, reason: Reason | None, *,
    seconds: float, counts: Counts, absent_is_failure: bool,
) -> Ended:  # fmt: skip
    """Writes how the run in `folder` ended. An error on the way is the run's own end, unless there was one before.

    `seconds` is how long this process has run. Raises OutputError if not even `run.json` can be written.
    """
    totals, outputs = recovered.totals, dict[str, Digest]()
    try:
        style = manifest.output
        await asyncio.to_thread(
            write_failed,
            RunDir(folder),
            bom=style.bom,
            delimiter=style.delimiter,
            own_columns=not manifest.undo,
        )
        names = OutputSettings(manifest.output.format).names()
        outputs = await asyncio.to_thread(digests, folder, names)
    except BulkmailError as error:
        failure = failure or error
    not_ok = totals.not_ok + (totals.statuses[Status.ABSENT] if absent_is_failure else 0)
    drifted = manifest.mode == "drift" and (recovered.changes.counts[Ending.PLANNED] > 0 or totals.findings > 0)
    state, text, code = verdict(failure, reason, not_ok=not_ok, drifted=drifted)
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
        changes={str(ending): number for ending, number in recovered.changes.counts.items() if number},
        waits=waits(totals),
        problems=dict(totals.problems),
        advice=advice_on(totals.problems),
        outputs=outputs,
    )
    written = await asyncio.to_thread(ended.write, folder)
    return Ended(folder, written, failure if isinstance(failure, Exception) else None)
