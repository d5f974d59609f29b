"""A command imports what it needs, so that it is there at once. Modules are named here, and no time is."""

import subprocess
import sys

import pytest
import typer

from bulkmail.cli import COMMANDS, app, load

NETWORK = ("aiohttp", "msal", "requests", "cryptography", "yarl", "bulkmail.transport", "bulkmail.identity")
ROOMS = ("bulkmail.app", "bulkmail.sim", "bulkmail.testing")
REPORTING = ("jinja2", "sqlite3", "prometheus_client")
CHECKING = ("pydantic", "orjson", "bulkmail.tasks", "bulkmail.task", "bulkmail.graph", "bulkmail.model")

MAY_NOT_IMPORT = {
    "--help": (*NETWORK, *ROOMS, *CHECKING, *REPORTING, "bulkmail.docs", "bulkmail.rundir"),
    "--version": (*NETWORK, *ROOMS, *CHECKING, *REPORTING, "bulkmail.docs", "bulkmail.rundir"),
    "run --help": ("bulkmail.sim", "bulkmail.testing", "bulkmail.docs"),
    "resume --help": ("bulkmail.sim", "bulkmail.testing", "bulkmail.docs"),
    "undo --help": ("bulkmail.sim", "bulkmail.testing", "bulkmail.docs"),
    "check --help": ("bulkmail.sim", "bulkmail.testing", "bulkmail.docs"),
    "setup --help": ("bulkmail.sim", "bulkmail.testing", "bulkmail.docs"),
    "verify --help": ("bulkmail.sim", "bulkmail.testing", "bulkmail.docs", "msal"),
    "show .": (*NETWORK, *ROOMS, *REPORTING, "bulkmail.docs", "bulkmail.tasks"),
    "tasks": (*NETWORK, *ROOMS, *REPORTING, "bulkmail.docs", "bulkmail.rundir"),
    "cert --help": ("aiohttp", "msal", "requests", *ROOMS, "bulkmail.docs", "bulkmail.transport"),
    "help": (*NETWORK, *ROOMS, *CHECKING[1:]),  # the library of the command line brings pydantic by itself
    "sim --help": ("msal", "requests", "bulkmail.tasks"),
}


@pytest.mark.parametrize("line", MAY_NOT_IMPORT)
def test_what_a_command_does_not_import(line: str) -> None:
    program = f"""
import sys
from contextlib import suppress
sys.argv = ["bulkmail", *{line.split()!r}]
from bulkmail.cli import main
with suppress(SystemExit):
    main()
print("imported:", *sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    imported = done.stdout.rpartition("imported:")[2].split()
    too_much = [name for name in imported if name.startswith(tuple(f"{one}." for one in MAY_NOT_IMPORT[line]))]
    assert too_much + [name for name in imported if name in MAY_NOT_IMPORT[line]] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_by_what_its_own_help_says_first(name: str) -> None:
    first = (load(name).help or "").split("\n")[0]
    assert first.startswith(COMMANDS[name].summary.removesuffix(".").partition(":")[0]), first


def test_every_command_has_a_stand_in() -> None:
    assert typer.main.get_command(app).list_commands(None) == list(COMMANDS)  # type: ignore[attr-defined]
