"""A command imports what it needs, so that it is there at once. Modules are named here, and no time is."""

import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from bulkmail.cli import COMMANDS, app, load
from bulkmail.tasks import families

NETWORK = ("aiohttp", "msal", "requests", "cryptography", "yarl", "bulkmail.transport", "bulkmail.identity")
ROOMS = ("bulkmail.app", "bulkmail.sim", "bulkmail.testing")
REPORTING = ("jinja2", "sqlite3", "prometheus_client")
WORKERS = ("dask", "distributed", "tornado", "bulkmail.cluster")
"""Only a run with workers needs these."""

CHECKING = ("pydantic", "orjson", "bulkmail.tasks", "bulkmail.task", "bulkmail.graph", "bulkmail.model")

MAY_NOT_IMPORT = {
    "--help, --version": (*NETWORK, *WORKERS, *ROOMS, *CHECKING, *REPORTING, "bulkmail.docs", "bulkmail.rundir"),
    "run --help, apply --help, resume --help, undo --help, check --help, setup --help": (
        "bulkmail.sim", "bulkmail.testing", "bulkmail.docs", *WORKERS,
    ),
    "verify --help": ("bulkmail.sim", "bulkmail.testing", "bulkmail.docs", "msal"),
    "show .": (*NETWORK, *WORKERS, *ROOMS, *REPORTING, "bulkmail.docs", "bulkmail.tasks", "bulkmail.config.tables"),
    "tasks": (
        *NETWORK, *WORKERS, *ROOMS, *REPORTING, "bulkmail.docs", "bulkmail.rundir",
        *(f"bulkmail.tasks.{family}" for family in families()),
    ),
    "cert --help": ("aiohttp", "msal", "requests", *ROOMS, "bulkmail.docs", "bulkmail.transport"),
    "help": (*NETWORK, *ROOMS, *CHECKING[1:]),  # the library of the command line brings pydantic by itself
    "sim --help": ("msal", "requests", "bulkmail.tasks"),
}  # fmt: skip
"""Lines that may not import the same are tried in one process, one after the other."""


@pytest.mark.parametrize("lines", MAY_NOT_IMPORT)
def test_what_a_command_does_not_import(lines: str) -> None:
    program = f"""
import sys
from contextlib import suppress
from bulkmail.cli import main
for line in {lines.split(", ")!r}:
    sys.argv = ["bulkmail", *line.split()]
    with suppress(SystemExit):
        main()
    print("\\nimported:", line, *sys.modules, sep="|", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    found = [line.split("|")[1:] for line in done.stdout.splitlines() if line.startswith("imported:")]
    assert [line for line, *_ in found] == lines.split(", ")
    banned = MAY_NOT_IMPORT[lines]
    below = tuple(f"{one}." for one in banned)
    too_much = [(line, name) for line, *names in found for name in names if name in banned or name.startswith(below)]
    assert too_much == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_by_what_its_own_help_says_first(name: str) -> None:
    first = (load(name).help or "").split("\n")[0]
    assert first.startswith(COMMANDS[name].summary.removesuffix(".").partition(":")[0]), first


def test_every_command_has_a_stand_in() -> None:
    assert typer.main.get_command(app).list_commands(None) == list(COMMANDS)  # type: ignore[attr-defined]


@pytest.mark.parametrize("line", ["--help", "run --help", "cert new --help", "cluster check --help"])
def test_a_flag_does_not_look_as_if_it_took_a_value(line: str) -> None:
    said = CliRunner().invoke(app, line.split(), env={"COLUMNS": "200"}).stdout
    assert "--help" in said
    assert "<bool>" not in said


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_an_interrupt_behind_the_end_changes_nothing() -> None:
    program = """
import atexit, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
atexit.register(os.kill, os.getpid(), signal.SIGINT)
from bulkmail.cli import main
sys.argv = ["bulkmail", "--version"]
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    assert done.stderr == ""
