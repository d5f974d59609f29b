"""Opens the files that a run writes, and closes them all. Knows their names and formats, nothing of what goes in."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bulkmail.atomic import sync
from bulkmail.run.writer import Sink, Writer
from bulkmail.rundir.folder import CHANGES, FAILED, OUTCOMES, RECORDS, REJECTED
from bulkmail.rundir.journal import Journal
from bulkmail.rundir.recovery import Recovered
from bulkmail.rundir.rejected import RejectedRows
from bulkmail.sink import Csv, Format, Ndjson
from bulkmail.sink.appender import reopened


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
        return [*(f"{RECORDS}.{one}" for one in self.formats), OUTCOMES, CHANGES, FAILED, REJECTED]


@contextmanager
def open_outputs(
    folder: Path, columns: Sequence[str], settings: OutputSettings, recovered: Recovered
) -> Iterator[Writer]:
    """A writer with its files open, behind what was committed to them earlier. Raises OutputError."""
    bom, delimiter = settings.bom, settings.delimiter
    table = Csv(columns, raw=settings.raw, bom=bom, delimiter=delimiter, decimal_comma=settings.decimal_comma)
    formats: dict[str, Format] = {"ndjson": Ndjson(), "csv": table}
    with ExitStack() as opened:
        sinks = []
        for suffix in settings.formats:
            path = folder / f"{RECORDS}.{suffix}"
            file = opened.enter_context(reopened(path, recovered.lengths.get(path.name, 0)))
            length = file.length or file.append(formats[suffix].header)
            sinks.append(Sink(path.name, formats[suffix], file, length))
        outcomes = opened.enter_context(reopened(folder / OUTCOMES, recovered.length))
        rejected = opened.enter_context(closing(RejectedRows(folder / REJECTED, bom=bom, delimiter=delimiter)))
        sync(folder)
        yield Writer(sinks, Journal(outcomes), rejected, recovered.totals)
