"""Opens the files that a run writes, and closes them all. Knows their names and formats, nothing of what goes in."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from bulkmail.atomic import sync
from bulkmail.run.pending import Outputs
from bulkmail.run.writer import Sink, Writer
from bulkmail.rundir.addresses import Addresses, journal_of
from bulkmail.rundir.folder import (
    BLOBS,
    CHANGES,
    FAILED,
    OUTCOMES,
    RECORDS,
    REJECTED,
    SAMPLES,
    SORTED,
    SPILLS,
    VERDICTS,
    part_sheet,
)
from bulkmail.rundir.freshness import Freshness
from bulkmail.rundir.journal import Journal
from bulkmail.rundir.recovery import Recovered
from bulkmail.rundir.rejected import RejectedRows
from bulkmail.rundir.state import States
from bulkmail.sink import Csv, Format, Ndjson, OfPart
from bulkmail.sink.appender import reopened
from bulkmail.sink.depot import Depot, Folder
from bulkmail.sink.spill import Spills
from bulkmail.text import one_line

log = logging.getLogger(__name__)

NO_PARTS: Mapping[str, Sequence[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """`formats` are ndjson and csv; the others concern CSV, and all but `raw` also what is written of rows that were
    rejected."""

    formats: Sequence[str] = ("ndjson", "csv")
    raw: bool = False
    bom: bool = False
    delimiter: str = ","
    decimal_comma: bool = False

    def names(self) -> list[str]:
        """All files that a run may leave, in the order of interest."""
        sheets = (f"{name}.{one}" for name in (RECORDS, SORTED) for one in self.formats)
        return [*sheets, OUTCOMES, VERDICTS, CHANGES, FAILED, REJECTED, SAMPLES]


def _warn_of(name: str) -> None:
    log.warning("the task gives a column that it does not declare, so records.csv is without it: %s", one_line(name))


def sheets_of(
    columns: Sequence[str], settings: OutputSettings, parts: Mapping[str, Sequence[str]] = NO_PARTS
) -> dict[str, Format]:
    """How the rows of a run are written: each file of rows with its format, in the order of a writer's sinks."""
    table = partial(
        Csv, raw=settings.raw, bom=settings.bom, delimiter=settings.delimiter, decimal_comma=settings.decimal_comma
    )
    formats: dict[str, Format] = {"ndjson": Ndjson(), "csv": table(columns, stray=_warn_of)}
    sheets = {f"{RECORDS}.{suffix}": formats[suffix] for suffix in settings.formats}
    if "csv" in settings.formats:
        sheets |= {part_sheet(part): OfPart(part, table(own)) for part, own in parts.items()}
    return sheets


@contextmanager
def open_outputs(
    folder: Path,
    columns: Sequence[str],
    settings: OutputSettings,
    recovered: Recovered,
    states: States | None = None,
    *,
    planning: bool = False,
    run: str = "",
    freshness: Freshness | None = None,
    parts: Mapping[str, Sequence[str]] = NO_PARTS,
    addresses: Addresses | None = None,
    depot: Depot | None = None,
    anew: bool = False,
) -> Iterator[Outputs]:
    """All files open, behind what was committed to them earlier; what was written and not committed is gone. A run that
    only plans leaves `states` as they are. `run` is the id that the journal names. `parts` are the columns of each part
    that has a CSV of its own. `addresses` keep these out of all files but their own. Blobs go to the `depot`; without
    one, they lie in `folder`; where a worker of an earlier process may have files of blobs open, they are begun
    `anew`, as copies. Raises OutputError."""
    bom, delimiter = settings.bom, settings.delimiter
    sheets = sheets_of(columns, settings, parts)
    with ExitStack() as opened:
        sinks = []
        for name, sheet in sheets.items():
            file = opened.enter_context(reopened(folder / name, recovered.lengths.get(name, 0)))
            length = file.length or file.append(sheet.header)
            sinks.append(Sink(name, sheet, file, length))
        outcomes = opened.enter_context(reopened(folder / OUTCOMES, recovered.length))
        hide: Callable[[str], str] = str
        if addresses is not None:
            addresses.load()
            opened.callback(addresses.flush)
            hide = addresses.text
        rejected = RejectedRows(folder / REJECTED, bom=bom, delimiter=delimiter, hide=hide)
        opened.enter_context(closing(rejected))
        depot = depot or Folder(folder / BLOBS)
        depot.prepare(again=recovered.length > 0)
        committed = {row: reached.blobs for row, reached in recovered.reached.items()}
        depot.recover(recovered.done.__contains__, committed, anew=anew)
        spills = Spills(folder / SPILLS)
        spills.clear()
        opened.callback(spills.clear)
        blobs = opened.enter_context(closing(depot.blobs(folder / SPILLS / BLOBS, hide)))
        sync(folder)
        journal = journal_of(Journal(outcomes, run), addresses)
        writer = Writer(sinks, journal, rejected, recovered.totals, None if planning else states, freshness)
        yield Outputs(writer, spills, blobs, states, recovered.totals, dict(recovered.reached))
