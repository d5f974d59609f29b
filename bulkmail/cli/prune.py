"""`bulkmail prune`: deletes run directories beyond those that are to be kept. Says which, and asks for --yes."""

from pathlib import Path
from typing import Annotated

import typer

from bulkmail.cli import console as say
from bulkmail.report.retention import Candidate, candidates, delete
from bulkmail.text import counted, one_line


def prune(
    folder: Annotated[Path, typer.Argument(help="Folder that run directories lie in.", metavar="FOLDER")],
    *,
    keep: Annotated[int, typer.Option(min=1, help="Runs of each job to keep: the newest that are finished.")] = 30,
    plans: Annotated[
        bool, typer.Option("--plans", help="Delete plans as well, though `bulkmail apply` could still apply them.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete. Otherwise only what would be deleted is listed.")] = False,
) -> None:
    """Delete old run directories, and keep the newest of each job.

    Only directories in FOLDER itself that hold a finished run of bulkmail are deleted: never one that a process works
    in, one that was stopped and can be resumed, one that changed mailboxes (`bulkmail undo` needs it), or one in which
    something lies that bulkmail did not write. Plans stay unless --plans says otherwise.

    Examples:

      bulkmail prune /var/lib/bulkmail --keep 30

      bulkmail prune /var/lib/bulkmail --keep 30 --yes
    """
    with say.exit_on_error():
        found = candidates(folder, keep=keep, plans=plans)
        for one in found:
            say.results.print(_told(one, yes=yes), soft_wrap=True)
        gone = sum(delete(one) for one in found if one.why == "") if yes else 0
        size = sum(one.bytes for one in found if one.why == "") / 1_000_000
        old = sum(one.why == "" for one in found)
        if yes:
            text = f"{counted(gone, 'run')} deleted ({size:,.1f} MB)"
        elif old:
            text = f"{counted(old, 'run')} would be deleted; add --yes ({size:,.1f} MB)"
        else:
            text = f"nothing to delete: of each job, the newest {counted(keep, 'run')} and what is told above stay"
        say.results.print(text)


def _told(one: Candidate, *, yes: bool) -> str:
    """The folder, not wrapped, so that it can be copied; and below it why it stays."""
    folder = one_line(str(one.folder))
    if one.why:
        return f"kept          {folder}\n              {one.why}"
    return f"{'delete' if yes else 'would delete':<12}  {folder}"
