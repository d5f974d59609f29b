"""Meters a run for Prometheus, where the command line asks for it. Imports the library only then."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bulkmail.app.ending import Ended
from bulkmail.app.observe import Observer
from bulkmail.run.sampling import sample_of
from bulkmail.run.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Metering:
    """`file` is written for the textfile collector, `listen` is an address and a port at which metrics are served."""

    file: Path | None = None
    listen: str = ""


@dataclass(frozen=True, slots=True)
class Meter:
    """What is shown to a meter: `observers` see the run go, `ended` is told how it ended."""

    observers: Sequence[Observer] = ()
    ended: Callable[[Ended], None] = lambda _: None


@contextmanager
def metered(wanted: Metering) -> Iterator[Meter]:
    """Raises UsageError for a text that is not an address, or an address that is taken."""
    if not wanted.file and not wanted.listen:
        yield Meter()
        return
    from bulkmail.report.exporter import address, listening, writing  # noqa: PLC0415 - most runs are not metered
    from bulkmail.report.metrics import Metrics, kept_in  # noqa: PLC0415

    metrics = Metrics(kept_in(wanted.file) if wanted.file else None)

    def observe(snapshot: Snapshot) -> None:
        metrics.manifest, metrics.sample = snapshot.manifest, sample_of(snapshot)

    def ended(end: Ended) -> None:
        metrics.manifest = end.manifest

    with ExitStack() as opened:
        if wanted.listen:
            opened.enter_context(listening(metrics, *address(wanted.listen)))
        if wanted.file:
            opened.enter_context(writing(metrics, wanted.file))
        yield Meter((observe,), ended)
