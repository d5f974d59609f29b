"""Executes what a command asked the application for: shows the progress, then the summary, and gives the exit code."""

import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

import typer

from bulkmail.app.ending import Ended
from bulkmail.app.loop import run as run_loop
from bulkmail.app.observe import Note, Observer
from bulkmail.app.sweeping import Sweeping
from bulkmail.cli import console as say
from bulkmail.cli import summary
from bulkmail.cli.against import tell_against
from bulkmail.cli.metering import Metering, metered
from bulkmail.cli.password import unlocking
from bulkmail.cli.progress import shown
from bulkmail.cli.workers import sweeping
from bulkmail.errors import BulkmailError, InputError, OutputError
from bulkmail.report.view import View, view_of
from bulkmail.rundir.maskkey import known
from bulkmail.rundir.reader import RunDir

log = logging.getLogger(__name__)


class Work(Protocol):
    """A run that has everything but its observers."""

    def __call__(
        self, *, observers: Sequence[Observer], note: Note, sweeping: Sweeping
    ) -> Coroutine[Any, Any, Ended]: ...


def execute(
    work: Work,
    *,
    hidden: bool,
    as_json: bool,
    metering: Metering = Metering(),  # noqa: B008 - frozen
    against: str = "",
) -> int:
    """The exit code of a run. Raises what prevented it, or ended it early. Progress that is `hidden` is logged.
    `against` names another run that it is then compared with."""
    with metered(metering) as meter:
        ended = unlocking(lambda: _ended(work, meter.observers, hidden=hidden))
        meter.ended(ended)
    mask = known(ended.manifest.output.mask)
    if as_json:
        typer.echo(summary.as_json(ended.manifest, ended.folder))
    else:
        summary.show(_view(ended), say.results)
    if against:
        tell_against(ended.folder, against, silent=as_json)
    if isinstance(ended.failure, BulkmailError):
        say.complain(ended.failure, mask.text if mask else str)
    if hidden or not say.errors.is_terminal:
        _log_end(ended, mask.text if mask else str)
    if ended.failure is None:
        return ended.manifest.exit_code or 0
    if isinstance(ended.failure, BulkmailError):
        return ended.failure.exit_code
    raise ended.failure


def _ended(work: Work, more: Sequence[Observer], *, hidden: bool) -> Ended:
    with shown(None if hidden else say.errors) as observer:
        return run_loop(work(observers=[observer, *more], note=say.note, sweeping=sweeping))


def _view(ended: Ended) -> View:
    """Raises OutputError where the directory is not there any more: the run has ended, and there is nothing of it."""
    try:
        return view_of(RunDir(ended.folder))
    except InputError as error:
        raise OutputError(f"the run has ended, and its directory is gone: {error}", hint="Find it.") from error


def _log_end(ended: Ended, masked: Callable[[str], str]) -> None:
    """The last entry of a log, with what a scheduler or a monitor asks for. People have the summary."""
    manifest = ended.manifest
    fields = {
        "event": "end", "task": manifest.task, "mode": manifest.mode, "state": manifest.state,
        "exit_code": manifest.exit_code, "reason": masked(manifest.reason), "directory": str(ended.folder.resolve()),
        "seconds": manifest.seconds, "statuses": dict(manifest.statuses), "changes": dict(manifest.changes),
        "requests": manifest.sums.requests, "throttled": manifest.sums.throttled, "retried": manifest.sums.retried,
        "certificate_days_left": manifest.certificate_days_left,
    }  # fmt: skip
    log.info("%s ended: %s, exit code %s", manifest.task, manifest.state, manifest.exit_code, extra={"fields": fields})
