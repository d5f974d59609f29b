"""`bulkmail demo`: the main job before the user's eyes, on the embedded tenant. Needs no tenant and no network."""

import asyncio
import csv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from bulkmail.app.begin import begin
from bulkmail.app.compose import credential_of
from bulkmail.app.loop import run as run_loop
from bulkmail.cli import console as say
from bulkmail.cli import summary
from bulkmail.cli.progress import shown
from bulkmail.cli.rehearsal import PORT, Rehearsal, command, prepare
from bulkmail.cli.token import show_claims
from bulkmail.config import load
from bulkmail.report.view import view_of
from bulkmail.rundir.reader import RunDir
from bulkmail.sim import Settings, Simulator
from bulkmail.text import one_line

SHOWN = {"mailbox": 24, "auto_reply_status": 14, "language": 6, "internal_reply": 60}
"""Columns of the report that are shown, and the characters that each may have."""

ROWS = 8


def demo(
    *,
    directory: Annotated[Path, typer.Option(help="Where everything is left to look at.")] = Path("bulkmail-demo"),
    mailboxes: Annotated[int, typer.Option(help="Size of the simulated tenant.", min=1, max=200_000)] = 2000,
    latency: Annotated[int, typer.Option(help="Milliseconds that Graph takes to answer.", min=0, max=10_000)] = 100,
) -> None:
    """Show the whole thing on the embedded tenant: certificate, token, sweep, report.

    Example: bulkmail demo --directory demo
    """
    say.log_to_stderr(as_json=False)
    with say.exit_on_error():
        run_loop(_demo(directory, Settings(mailboxes=mailboxes, latency=latency / 1000, port=PORT)))


async def _demo(directory: Path, settings: Settings) -> None:
    say.results.print(
        f"A tenant of {settings.mailboxes:,} mailboxes is simulated on this machine: Entra and Graph, over TLS."
    )
    async with _simulator(settings) as simulator:
        rehearsal = await asyncio.to_thread(prepare, simulator, directory)
        _show_certificate(rehearsal)
        job = load(rehearsal.job)
        _heading("2  A token, signed for with the certificate")
        show_claims(await credential_of(job).token())
        _heading(f"3  The sweep: {rehearsal.mailboxes} through {rehearsal.job}")
        with shown(say.errors) as observer:
            ended = await begin(job, {}, observers=[observer], note=say.note)
        summary.show(await asyncio.to_thread(view_of, RunDir(ended.folder)), say.results)
        if ended.failure is not None:
            raise ended.failure
        _heading("4  The first rows of records.csv")
        say.results.print(await asyncio.to_thread(_rows, ended.folder / "records.csv"))
        _show_books(simulator.books())
    _show_next(directory)


@asynccontextmanager
async def _simulator(settings: Settings) -> AsyncIterator[Simulator]:
    """On the usual port, or on any other one when that is taken."""
    try:
        simulator = await Simulator(settings).__aenter__()
    except OSError:
        simulator = await Simulator(Settings(mailboxes=settings.mailboxes, latency=settings.latency)).__aenter__()
    try:
        yield simulator
    finally:
        await simulator.__aexit__(None, None, None)


def _heading(text: str) -> None:
    say.results.print(f"\n{text}", style="bold")


def _show_certificate(rehearsal: Rehearsal) -> None:
    _heading("1  A certificate, registered with the tenant")
    certificate = rehearsal.certificate
    say.results.print(f"{rehearsal.directory / 'app.pfx'}: RSA, SHA-1 thumbprint {certificate.sha1}", soft_wrap=True)
    say.results.print(f"valid for {certificate.days_left()} days; {rehearsal.directory / 'app.cer'} is its public half")


def _rows(path: Path) -> Table:
    """The first rows that have an automatic reply, in a few columns."""
    table = Table(box=None, pad_edge=False)
    for name, width in SHOWN.items():
        table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=width)
    with path.open(encoding="utf-8", newline="") as file:
        for row in islice(filter(_is_plain, csv.DictReader(file)), ROWS):
            table.add_row(*(Text(one_line(row[name])) for name in SHOWN))
    return table


def _is_plain(row: dict[str, str]) -> bool:
    """Some mailboxes of the tenant hold what a spreadsheet or a terminal must not run: not for a first look."""
    reply = row["internal_reply"]
    return bool(reply) and reply[0].isalpha() and reply.isprintable()


def _show_books(books: Any) -> None:
    _heading("5  What the tenant saw")
    broke = sum(books["breaches"].values())
    say.results.print(
        f"{books['requests']:,} requests, at most {books['most_in_flight']:,} at a time and "
        f"{books['most_in_flight_per_mailbox']} for one mailbox; {broke} broke a limit, {books['early']} came early",
        soft_wrap=True,
    )


def _show_next(directory: Path) -> None:
    _heading("Run it again by hand")
    say.results.print(f"  {command()} sim --directory {directory}      in one terminal", soft_wrap=True)
    say.results.print(f"  {command()} run {directory / 'job.toml'}     in another", soft_wrap=True)
