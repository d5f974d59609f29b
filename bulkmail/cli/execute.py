"""Executes what a command asked the application for: shows the progress, then the summary, and gives the exit code."""

from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

import typer

from bulkmail.app.ending import Ended
from bulkmail.app.loop import run as run_loop
from bulkmail.app.observe import Note, Observer
from bulkmail.cli import console as say
from bulkmail.cli import summary
from bulkmail.cli.progress import shown
from bulkmail.report.view import view_of
from bulkmail.rundir.reader import RunDir


class Work(Protocol):
    """A run that has everything but its observers."""

    def __call__(self, *, observers: Sequence[Observer], note: Note) -> Coroutine[Any, Any, Ended]: ...


def execute(work: Work, *, hidden: bool, as_json: bool) -> int:
    """The exit code of a run. Raises what prevented it, or ended it early. Progress that is `hidden` is logged."""
    with shown(None if hidden else say.errors) as observer:
        ended = run_loop(work(observers=[observer], note=say.note))
    if as_json:
        typer.echo(summary.as_json(ended.manifest, ended.folder))
    else:
        summary.show(view_of(RunDir(ended.folder)), say.results)
    if ended.failure is not None:
        raise ended.failure
    return ended.manifest.exit_code or 0
