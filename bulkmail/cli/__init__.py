"""The command line: one file a command family. The only room that knows all others, and the only one that exits."""

import sys
from typing import Annotated

import typer

from bulkmail import __version__
from bulkmail.cli.apply import apply
from bulkmail.cli.cert import app as cert
from bulkmail.cli.console import exit_on_error
from bulkmail.cli.demo import demo
from bulkmail.cli.help import help_
from bulkmail.cli.resume import resume
from bulkmail.cli.run import run
from bulkmail.cli.show import show, tasks
from bulkmail.cli.sim import HELP, sim
from bulkmail.cli.token import token
from bulkmail.cli.undo import undo

app = typer.Typer(
    name="bulkmail",
    help="Runs one task against every mailbox of a Microsoft 365 tenant, as fast as the service permits.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",  # paragraphs of help texts flow
    pretty_exceptions_enable=False,  # they print local variables, and those may be secrets
)
app.command("demo")(demo)
app.command("run")(run)
app.command("apply")(apply)
app.command("resume")(resume)
app.command("undo")(undo)
app.command("show")(show)
app.command("tasks")(tasks)
app.add_typer(cert, name="cert")
app.command("token")(token)
app.command("sim", help=HELP)(sim)
app.command("help")(help_)


def _version(wanted: bool) -> None:  # noqa: FBT001 - the callback's shape is typer's
    if wanted:
        typer.echo(f"bulkmail {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Runs one task against every mailbox of a Microsoft 365 tenant, as fast as the service permits."""


def main() -> None:
    """The console script."""
    with exit_on_error():
        app()
    sys.exit(0)
