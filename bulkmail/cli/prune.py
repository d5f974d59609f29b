"""`bulkmail prune`: deletes run directories beyond those that are to be kept. Says which, and asks for --yes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bulkmail.cli import console as say
from bulkmail.errors import OutputError
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
        old = [one for one in found if not one.why]
        if yes:
            gone, in_the_way = _deleted(old)
            say.results.print(f"{counted(len(gone), 'run')} deleted ({_size(gone)})")
            if in_the_way is not None:
                raise in_the_way
        elif old:
            say.results.print(f"{counted(len(old), 'run')} would be deleted; add --yes ({_size(old)})")
        else:
            newest = f"the newest {counted(keep, 'run')}"
            say.results.print(f"nothing to delete: of each job, {newest} and what is told above stay")


def _deleted(old: Sequence[Candidate]) -> tuple[list[Candidate], OutputError | None]:
    """Those that are gone, and why the last of the others is not: one that cannot be deleted keeps no other one."""
    gone, in_the_way = list[Candidate](), None
    for one in old:
        try:
            gone += [one] if delete(one) else []
        except OutputError as error:
            if in_the_way is not None:
                say.complain(in_the_way)
            in_the_way = error
    return gone, in_the_way


def _size(runs: Sequence[Candidate]) -> str:
    return f"{sum(one.bytes for one in runs) / 1_000_000:,.1f} MB"


def _told(one: Candidate, *, yes: bool) -> str:
    """The folder, not wrapped, so that it can be copied; and below it why it stays."""
    folder = one_line(str(one.folder))
    if one.why:
        return f"kept          {folder}\n              {one.why}"
    return f"{'delete' if yes else 'would delete':<12}  {folder}"
