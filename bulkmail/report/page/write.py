"""Writes the page of a run: a file beside the others, private as they are, whole or not at all."""

from collections.abc import Sequence
from pathlib import Path

from bulkmail import atomic
from bulkmail.report.page.content import content
from bulkmail.report.page.draw import page
from bulkmail.report.page.facts import facts_of
from bulkmail.rundir.maskkey import known
from bulkmail.rundir.reader import RunDir


def write_page(run: RunDir, path: Path, steps: Sequence[tuple[str, str]] = ()) -> None:
    """`steps` are what to do next: why, and the command. Raises InputError for what is not a run directory, and
    OutputError. Blocks."""
    atomic.replace(path, page("run.html", content(facts_of(run), steps), known(run.manifest.output.mask)))
