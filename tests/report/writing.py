"""Run directories of any size, written by the product's own writers: for what reads them."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bulkmail.model import Counts, Outcome, Row, Status
from bulkmail.run.outputs import OutputSettings, open_outputs
from bulkmail.run.writer import Finished
from bulkmail.rundir.digests import digests
from bulkmail.rundir.figures import sums
from bulkmail.rundir.manifest import Manifest, PinnedOutput
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.recovery import Recovered


class Mailboxful(NamedTuple):
    """How a mailbox ended, and its rows."""

    outcome: Outcome
    rows: Sequence[Row] = ()


def write_run(
    folder: Path, manifest: Manifest, found: Iterable[Mailboxful], *, columns: Sequence[str],
    formats: tuple[str, ...] = ("ndjson", "csv"),
) -> RunDir:  # fmt: skip
    """A run that has finished, with the figures that `found` comes to."""
    folder.mkdir(parents=True, exist_ok=True)
    recovered = Recovered()
    asyncio.run(_write(folder, recovered, found, columns, formats))
    totals = recovered.totals
    replace(
        manifest,
        output=PinnedOutput(formats),
        statuses={str(status): totals.statuses[status] for status in Status},
        sums=sums(totals),
        problems=dict(totals.problems),
        counts=Counts(totals.done),
        input=replace(manifest.input, mailboxes=totals.done),
        outputs=digests(folder, OutputSettings(formats).names()),
    ).write(folder)
    return RunDir(folder)


async def _write(
    folder: Path, recovered: Recovered, found: Iterable[Mailboxful], columns: Sequence[str], formats: Sequence[str]
) -> None:
    with open_outputs(folder, columns, OutputSettings(formats), recovered) as outputs:
        writer = outputs.writer
        writing = asyncio.create_task(writer.write())
        for outcome, rows in found:
            await writer.put(Finished(outcome, writer.encode(rows) if rows else ()))
        writer.close()
        await writing
