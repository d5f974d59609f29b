"""Opens the files that a run writes, and closes them all. Knows their names and formats, nothing of what goes in."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bulkmail.run.folder import CHANGES, FAILED, OUTCOMES, RECORDS, REJECTED, sync
from bulkmail.run.journal import Journal
from bulkmail.run.recovery import Recovered
from bulkmail.run.rejected import RejectedRows
from bulkmail.run.sink import Appender, Csv, Format, Ndjson
from bulkmail.run.writer import Sink, Writer


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """`formats` are ndjson and csv; `raw` and `bom` concern CSV."""

    formats: Sequence[str] = ("ndjson", "csv")
    raw: bool = False
    bom: bool = False

    def names(self) -> list[str]:
        """All files that a run may leave, in the order of interest."""
        return [*(f"{RECORDS}.{one}" for one in self.formats), OUTCOMES, CHANGES, FAILED, REJECTED]


@contextmanager
def open_outputs(
    folder: Path, columns: Sequence[str], settings: OutputSettings, recovered: Recovered
) -> Iterator[Writer]:
    """A writer with its files open, behind what was committed to them earlier. Raises OutputError."""
    formats: dict[str, Format] = {"ndjson": Ndjson(), "csv": Csv(columns, raw=settings.raw, bom=settings.bom)}
    with ExitStack() as opened:
        sinks = []
        for suffix in settings.formats:
            path = folder / f"{RECORDS}.{suffix}"
            file = opened.enter_context(reopened(path, recovered.lengths.get(path.name, 0)))
            length = file.length or file.append(formats[suffix].header)
            sinks.append(Sink(path.name, formats[suffix], file, length))
        outcomes = opened.enter_context(reopened(folder / OUTCOMES, recovered.length))
        rejected = opened.enter_context(closing(RejectedRows(folder / REJECTED)))
        sync(folder)
        yield Writer(sinks, Journal(outcomes), rejected, recovered.totals)


def reopened(path: Path, length: int) -> Appender:
    """A file of the run, made if it is not there, and cut to `length`. What was cut is cut for good when this returns.

    Raises OutputError, also for a file that is shorter.
    """
    if not length and not path.exists():
        return Appender(path)
    file = Appender.resume(path, length)
    try:
        file.sync()
    except BaseException:
        file.close()
        raise
    return file
