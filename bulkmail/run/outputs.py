"""Opens the files that a run writes, and closes them all. Knows their names and formats, nothing of what goes in."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bulkmail.run.folder import FAILED, OUTCOMES, RECORDS, REJECTED
from bulkmail.run.rejected import RejectedRows
from bulkmail.run.sink import Appender, Csv, Format, Ndjson
from bulkmail.run.totals import Totals
from bulkmail.run.writer import Sink, Writer


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """`formats` are ndjson and csv; `raw` and `bom` concern CSV."""

    formats: Sequence[str] = ("ndjson", "csv")
    raw: bool = False
    bom: bool = False

    def names(self) -> list[str]:
        """All files that a run may leave, in the order of interest."""
        return [*(f"{RECORDS}.{one}" for one in self.formats), OUTCOMES, FAILED, REJECTED]


@contextmanager
def open_outputs(folder: Path, columns: Sequence[str], settings: OutputSettings, totals: Totals) -> Iterator[Writer]:
    """A writer with its files open. Raises OutputError."""
    formats: dict[str, Format] = {"ndjson": Ndjson(), "csv": Csv(columns, raw=settings.raw, bom=settings.bom)}
    with ExitStack() as opened:
        sinks = []
        for suffix in settings.formats:
            file = opened.enter_context(Appender(folder / f"{RECORDS}.{suffix}"))
            length = file.append(formats[suffix].header)
            sinks.append(Sink(file.path.name, formats[suffix], file, length))
        outcomes = opened.enter_context(Appender(folder / OUTCOMES))
        rejected = opened.enter_context(closing(RejectedRows(folder / REJECTED)))
        yield Writer(sinks, outcomes, rejected, totals)
