"""`bulkmail help`: the documentation, topic by topic, on the terminal."""

from typing import Annotated

import typer
from rich.table import Table

from bulkmail import docs
from bulkmail.cli import console as say


def help_(
    topic: Annotated[str, typer.Argument(help="Topic to read; all are listed without one.")] = "",
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Print the Markdown as it is, also on a terminal.")] = False,
) -> None:
    """Read the documentation: a topic, or the list of topics.

    Examples:

      bulkmail help

      bulkmail help setup

      bulkmail help jobs --raw | less
    """
    with say.exit_on_error():
        if not topic:
            table = Table(box=None, pad_edge=False, show_header=False)
            for name, meaning in docs.topics().items():
                table.add_row(name, meaning)
            say.results.lay_out(table)
            say.results.print("\n`bulkmail help TOPIC` prints one; `bulkmail COMMAND --help` describes a command.")
        elif raw or not say.results.is_terminal:
            typer.echo(docs.read(topic), nl=False)
        else:
            from rich.markdown import Markdown  # noqa: PLC0415 - takes longer to import than to print a topic

            say.results.print(Markdown(docs.read(topic)))
