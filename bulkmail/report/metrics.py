"""What a run looks like to Prometheus: the last snapshot as metrics, and, once it has ended, how it did.

A table says what each metric is and where it comes from. All have the labels `task`, `job_file` (its name)
and `mode`, so that the files of several jobs may lie in one folder. As Prometheus wants it, times are seconds
since 1970, totals only grow while a run goes on, and the days that a certificate has left are when it expires less now.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePath
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from bulkmail import atomic
from bulkmail.model import Status
from bulkmail.rundir.manifest import Manifest
from bulkmail.rundir.samples import Sample
from bulkmail.text import one_line

LABELS = ("task", "job_file", "mode")
SUCCESS = "bulkmail_last_success_timestamp_seconds"
FINISHED = "bulkmail_last_finished_timestamp_seconds"
LASTING = (SUCCESS, FINISHED)
"""What a file keeps of the runs before."""


class Figure(NamedTuple):
    """A metric: its name below `bulkmail_`, what it says, and its value in a sample by the value of a further label;
    None where it is not known. A `counter` gets the ending `_total`."""

    name: str
    help: str
    values: Callable[[Sample], float | Mapping[str, float] | None]
    label: str = ""
    counter: bool = False


FIGURES = (
    Figure("mailboxes", "Mailboxes by how they ended.", lambda now: _every(now.statuses), "status", counter=True),
    Figure("mailboxes_expected", "Mailboxes of the input.", lambda now: now.expected or None),
    Figure("rows", "Rows of the report.", lambda now: now.rows, counter=True),
    Figure("findings", "Mailboxes with a row that should be looked into.", lambda now: now.findings, counter=True),
    Figure("requests", "Attempts that were sent.", lambda now: now.requests, counter=True),
    Figure("throttled_requests", "Attempts that were refused by a limit.", lambda now: now.throttled, counter=True),
    Figure("retried_requests", "Attempts that repeated another.", lambda now: now.retried, counter=True),
    Figure("waited_seconds", "Time that requests waited, added up.", lambda now: now.waited, counter=True),
    Figure(
        "limit_waits", "Waits that a limit asked for.",
        lambda now: {by: wait.times for by, wait in now.limits.items()}, "limit", counter=True,
    ),
    Figure(
        "limit_wait_seconds", "Time that a limit asked to wait.",
        lambda now: {by: wait.seconds for by, wait in now.limits.items()}, "limit", counter=True,
    ),
    Figure("changes", "Changes by how they ended.", lambda now: now.changes, "ending", counter=True),
    Figure("mailboxes_waiting", "Mailboxes that wait because of a limit.", lambda now: now.waiting),
    Figure("all_wait_seconds", "How long all mailboxes have to wait.", lambda now: now.all_wait),
    Figure("requests_in_flight", "Requests without an answer yet.", lambda now: now.in_flight),
    Figure("requests_window", "Requests that may be in flight.", lambda now: now.window),
    Figure("pace_requests_per_second", "Requests a second that the pace allows.", lambda now: now.rate),
    Figure("limit_requests_per_second", "Requests a second that the service seems to take.", lambda now: now.limit),
    Figure("queue_outcomes", "Outcomes that wait for the disk.", lambda now: now.queue),
    Figure("resident_memory_bytes", "Memory of the process.", lambda now: now.memory or None),
)  # fmt: skip


class Metrics(Collector):
    """Collects the metrics of one run: `sample` and `manifest` are set while it goes and when it has ended. `kept` are
    the times of success of the runs before, by LASTING."""

    def __init__(self, kept: Mapping[str, float] | None = None) -> None:
        self.sample: Sample | None = None
        self.manifest: Manifest | None = None
        self._kept = dict(kept or {})
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def __repr__(self) -> str:
        return f"<Metrics of {self.manifest.task if self.manifest else 'nothing yet'}>"

    def text(self) -> bytes:
        """In Prometheus' text format; empty before anything is known."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        manifest, sample = self.manifest, self.sample
        if manifest is None:
            return
        labels = labels_of(manifest)
        if sample is not None:
            for figure in FIGURES:
                yield _metric(figure, figure.values(sample), labels)
        for name, text, value in _of_the_run(manifest, self._kept):
            yield _gauge(name, text, value, labels)
        info = GaugeMetricFamily("bulkmail_build_info", "The version of bulkmail.", labels=(*LABELS, "version"))
        info.add_metric((*labels, manifest.version), 1)
        yield info


def labels_of(manifest: Manifest) -> tuple[str, str, str]:
    """The values of LABELS."""
    job = PurePath(manifest.job.path.replace("\\", "/")).stem
    return (manifest.task, one_line(job), "undo" if manifest.undo else manifest.mode)


def kept_in(path: Path) -> dict[str, float]:
    """When runs succeeded, by an earlier file; empty for what is not one. Blocks."""
    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, IndexError):
        return {}
    samples = (sample for family in families for sample in family.samples if sample.name in LASTING)
    return {sample.name: sample.value for sample in samples}


def write(metrics: Metrics, path: Path) -> None:
    """Whole or not at all, for everyone to read. Raises OutputError. Blocks."""
    if text := metrics.text():
        atomic.replace(path, text, atomic.PUBLIC)


def _of_the_run(manifest: Manifest, kept: Mapping[str, float]) -> Iterable[tuple[str, str, float | None]]:
    ended = _at(manifest.ended)
    finished = ended if manifest.state == "finished" else None
    success = ended if manifest.exit_code == 0 else None
    return (
        ("bulkmail_run_started_timestamp_seconds", "When the run began.", _at(manifest.started)),
        ("bulkmail_run_ended_timestamp_seconds", "When the run ended.", ended),
        ("bulkmail_run_running", "1 while the run goes on.", float(manifest.state == "running")),
        ("bulkmail_run_exit_code", "How the run ended: see bulkmail help output.", manifest.exit_code),
        (SUCCESS, "When a run last ended with exit code 0.", success or kept.get(SUCCESS)),
        (FINISHED, "When a run last went through its whole list.", finished or kept.get(FINISHED)),
        (
            "bulkmail_certificate_expires_timestamp_seconds", "When the certificate of the application expires.",
            _at(manifest.certificate_expires),
        ),
    )  # fmt: skip


def _at(text: str) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None


def _every(statuses: Mapping[str, float]) -> Mapping[str, float]:
    """A status that no mailbox has is 0: a series that begins only at the first denial hides that denial."""
    return {str(status): statuses.get(str(status), 0) for status in Status}


def _metric(figure: Figure, found: float | Mapping[str, float] | None, labels: tuple[str, ...]) -> Metric:
    kind = CounterMetricFamily if figure.counter else GaugeMetricFamily
    names = (*LABELS, figure.label) if figure.label else LABELS
    metric = kind(f"bulkmail_{figure.name}", figure.help, labels=names)
    if isinstance(found, Mapping):
        for name, value in found.items():
            metric.add_metric((*labels, name), value)
    elif found is not None:
        metric.add_metric(labels, found)
    return metric


def _gauge(name: str, text: str, value: float | None, labels: tuple[str, ...]) -> Metric:
    metric = GaugeMetricFamily(name, text, labels=LABELS)
    if value is not None and math.isfinite(value):
        metric.add_metric(labels, value)
    return metric
