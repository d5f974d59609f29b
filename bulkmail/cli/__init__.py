"""The command line: one file a command. A command's file is imported only when that command is called.

Every other way costs a second of CPU before the first word: `run` needs aiohttp and MSAL, `sim` a whole simulator, and
`--help` neither. So a command is listed in COMMANDS by its name and its summary, and loaded by LazyGroup.
"""

import signal
import sys
from functools import partial
from importlib import import_module
from shutil import get_terminal_size
from typing import Annotated, Any, Literal, NamedTuple

import typer
from typer.core import TyperGroup

from bulkmail import __version__
from bulkmail.cli.console import complain, exit_on_error
from bulkmail.cli.dumps import keep_no_core
from bulkmail.cli.streams import Streams
from bulkmail.errors import OutputError

FINISHED = (0, 3, 8, 9)
"""Exit codes that say that all was done: not if no one can read the result."""


class Command(NamedTuple):
    """Where a command is, `module:name` below this package, and what `bulkmail --help` says of it."""

    place: str
    summary: str


COMMANDS = {
    "demo": Command("demo:demo", "Show the whole thing on the embedded tenant: certificate, token, sweep, report."),
    "setup": Command(
        "setup:setup",
        "Set an application up: key, registration, permissions, consent and a job file, each shown before it is done.",
    ),
    "check": Command(
        "check:check", "Check a job before it is run: a line a check, PASS, WARN or FAIL, with what to do."
    ),
    "run": Command("run:run", "Run a job's task against every mailbox of its input."),
    "apply": Command(
        "apply:apply",
        "Carry out a plan that you have reviewed: exactly the changes in its records.csv and changes.ndjson.",
    ),
    "resume": Command("resume:resume", "Go on with a run that was stopped or killed: what is done stays done."),
    "undo": Command("undo:undo", "Put back what a run changed, where it still is as the run left it."),
    "show": Command("show:show", "Show the summary of a run again."),
    "report": Command(
        "report:report", "Write the page of a run: verdict, outcomes, problems and what to do, changes, curves."
    ),
    "diff": Command(
        "diff:diff", "Show in what two runs of a task differ: rows, cell by cell, and how mailboxes ended."
    ),
    "status": Command("status:status", "Tell how fresh a tenant is: mailboxes by age, the stalest, the denied."),
    "verify": Command(
        "verify:verify",
        "Verify a run directory: the digests of its files, the checksums of its journals, its blobs and its signature.",
    ),
    "tasks": Command("tasks:tasks", "List the tasks, or describe one: its options, columns and least permission."),
    "prune": Command("prune:prune", "Delete old run directories, and keep the newest of each job."),
    "cluster": Command("cluster:app", "Look at the workers that a run would be shared between."),
    "cert": Command("cert:app", "Key pairs and certificates for the application."),
    "token": Command("token:token", "Get an app-only token and show the claims that matter."),
    "sim": Command("sim:sim", "Simulate Entra and Graph on this machine, to rehearse on."),
    "help": Command("help:help_", "Read the documentation: a topic, or the list of topics."),
}

ROOM = 70
"""Columns that help in tables needs; a command with a longer option says its own."""


FLOWING: Literal["markdown"] = "markdown"
"""In which the paragraphs of help texts flow."""


class _Narrow(typer.Context):
    """Help for a narrow terminal: what an option does stands below its name, not beside it."""

    def make_formatter(self) -> Any:
        formatter = super().make_formatter()
        formatter.write_dl = partial(formatter.write_dl, col_max=8)  # type: ignore[method-assign]
        return formatter


def _style(room: int = ROOM) -> dict[str, Any]:
    """How help is shown. On a terminal with less room, tables would cut the names of options; plain text does not."""
    columns = get_terminal_size().columns
    narrow = {"terminal_width": columns} if columns < room else {}
    return {
        "context_settings": {"help_option_names": ["-h", "--help"], **narrow},
        "add_completion": False,
        "rich_markup_mode": None if narrow else FLOWING,
        "pretty_exceptions_enable": False,  # they print local variables, and those may be secrets
    }


def load(name: str) -> Any:
    """The command called `name`, as the library underneath builds it."""
    file, _, attribute = COMMANDS[name].place.partition(":")
    module = import_module(f"{__name__}.{file}")
    found = getattr(module, attribute)
    if isinstance(found, typer.Typer):
        found.rich_markup_mode = FLOWING
    else:
        single = typer.Typer(**_style(getattr(module, "ROOM", ROOM)))
        single.command(name, help=getattr(module, "HELP", None))(found)
        found = single
    command = typer.main.get_command(found)
    command.name = name
    _show_flags(command)
    if command.context_settings.get("terminal_width"):
        command.context_class = _Narrow
    return command


def _show_flags(command: Any) -> None:
    """In help, of a command and of those below it, a flag has no `<bool>` behind it: it takes no value."""
    get_params = command.get_params

    def shown(ctx: typer.Context) -> list[Any]:
        params: list[Any] = get_params(ctx)
        for flag in params:
            if getattr(flag, "is_flag", False) and flag.metavar is None:
                flag.metavar = ""
        return params

    command.get_params = shown
    for below in getattr(command, "commands", {}).values():
        _show_flags(below)


class LazyGroup(TyperGroup):
    """Lists commands by stand-ins, and loads the one that is called."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        _show_flags(self)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if name else command, rest


app = typer.Typer(
    name="bulkmail",
    cls=LazyGroup,
    help="Runs one task against every mailbox of a Microsoft 365 tenant, as fast as the service permits.",
    no_args_is_help=True,
    **{**_style(), "add_completion": True},
)


def _stand_in() -> None:
    """What is listed in place of a command that is not loaded."""


for _name, _command in COMMANDS.items():
    app.command(_name, help=_command.summary)(_stand_in)


def _version(wanted: bool) -> None:  # noqa: FBT001 - the callback's shape is typer's
    if wanted:
        typer.echo(f"bulkmail {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Runs one task against every mailbox of a Microsoft 365 tenant, as fast as the service permits."""


def main() -> None:
    """The console script."""
    keep_no_core()
    streams = Streams()
    code = _exit_code()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # how it ended is known, and Python would print where it was
    trouble = streams.trouble()
    if trouble is not None and code in FINISHED:
        reason = trouble.strerror or "it cannot be written"
        error = OutputError(
            f"the standard output is not complete: {reason}", hint="`bulkmail show DIRECTORY` tells it."
        )
        complain(error)
        code = error.exit_code
    sys.exit(code)


def _exit_code() -> int:
    """That of the command, however it ends."""
    try:
        with exit_on_error():
            app()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0
