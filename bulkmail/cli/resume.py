"""`bulkmail resume`: goes on with a run that was stopped or killed, or makes a new one of what did not end well."""

from functools import partial
from typing import Annotated

import typer

from bulkmail.app.again import again
from bulkmail.app.commands import SEND_AGAIN
from bulkmail.app.resume import resume as resume_run
from bulkmail.cli.execute import Work
from bulkmail.cli.executes import Aim, Compared, executes
from bulkmail.cli.flags import MovedJob, RunDirectory, flags
from bulkmail.errors import UsageError
from bulkmail.model import Status

ROOM = 100
"""Columns that help in tables needs: an option has a long name, so that no one gives it by mistake."""


@executes
def resume(
    run_dir: RunDirectory,
    *,
    retry: Annotated[
        str,
        typer.Option(
            help="Run again what ended so, in a new run: any of failed, denied, unknown, absent, not_run, ok."
        ),
    ] = "",
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Go on although input, job or task are not what they were.")
    ] = False,
    aim: Aim,
    send_again: Annotated[
        bool,
        typer.Option(
            SEND_AGAIN, help="With --retry: also where something was sent, or may have been: it arrives twice."
        ),
    ] = False,
    moved: MovedJob = None,
    usual: Compared,
) -> Work:
    """Go on with a run that was stopped or killed: what is done stays done, the rest is done now.

    Input, task, application and tenant have to be what they were; what is not is named, and refused until you accept
    it. A mailbox in which a write was under way waits until the service has settled (limits.settle), so that nothing
    is done twice. With --retry, mailboxes that ended so are run again, as a new run that names this one; where they
    would change something, that run only plans, unless told to --apply.

    Exit codes are those of `bulkmail run`.

    Examples:

      bulkmail resume out/settings.report-2026-11-23

      bulkmail resume out/settings.report-2026-11-23 --retry failed,denied
    """
    given, statuses, wanted = flags(None, usual.settings), _statuses(retry), aim.applies
    if not retry and (wanted is not None or send_again):
        raise UsageError(
            "--apply, --plan and " + SEND_AGAIN + " go with --retry",
            hint="A run that goes on does what it was begun for. `bulkmail apply RUN_DIR` applies a plan.",
        )
    if wanted is not None:
        given |= {"task.apply": wanted}
    if retry:
        return partial(again, run_dir, statuses, given, send_again=send_again, job=moved)
    return partial(resume_run, run_dir, given, job=moved, accept=accept_changes)


def _statuses(text: str) -> frozenset[Status]:
    try:
        return frozenset(Status(word.strip()) for word in text.split(",")) if text else frozenset()
    except ValueError:
        raise UsageError(f"--retry {text}: not a status", hint=f"There are {', '.join(Status)}.") from None
