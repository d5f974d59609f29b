"""A command takes nouns, and the command line has their fields as options, in the order in which they stand."""

from dataclasses import dataclass
from inspect import signature
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from bulkmail.cli.groups import grouped


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    width: Annotated[int, typer.Option(help="From left to right.", min=1)] = 3
    height: Annotated[int, typer.Option(help="From top to bottom.", min=1)] = 2


def command(
    name: Annotated[str, typer.Argument()] = "box", *, size: Size, loud: Annotated[bool, typer.Option("--loud")] = False
) -> None:
    """Measure."""
    typer.echo(f"{name} {size} {loud}")


def test_the_fields_stand_where_the_noun_stood() -> None:
    assert list(signature(grouped(command)).parameters) == ["name", "width", "height", "loud"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "box Size(width=3, height=2) False"),
        (["--height", "7"], "box Size(width=3, height=7) False"),
        (["case", "--loud", "--width", "1"], "case Size(width=1, height=2) True"),
    ],
)
def test_a_command_gets_the_nouns_of_its_options(arguments: list[str], said: str) -> None:
    app = typer.Typer()
    app.command()(grouped(command))
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.output.strip()) == (0, said)
    assert "Measure" in CliRunner().invoke(app, ["--help"]).output
    assert CliRunner().invoke(app, ["--width", "0"]).exit_code == 2
