"""`bulkmail demo`: the main job before the user's eyes, on the embedded tenant. Needs no tenant and no network."""

import asyncio
import csv
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from bulkmail.app.apply import apply
from bulkmail.app.begin import begin
from bulkmail.app.compose import credential_of
from bulkmail.app.ending import Ended
from bulkmail.app.loop import run as run_loop
from bulkmail.app.sweeping import alone
from bulkmail.app.undo import undo
from bulkmail.cli import console as say
from bulkmail.cli import summary
from bulkmail.cli.progress import shown
from bulkmail.cli.rehearsal import PORT, Rehearsal, command, prepare
from bulkmail.cli.token import show_claims
from bulkmail.config import load
from bulkmail.report.verdict import verdict
from bulkmail.report.view import view_of
from bulkmail.rundir.folder import REPORT
from bulkmail.rundir.reader import RunDir
from bulkmail.sim import Settings, Simulator
from bulkmail.text import counted, one_line

SHOWN = {"mailbox": 28, "auto_reply_status": 14, "language": 6, "internal_reply": 60}
RULES = {"mailbox": 28, "name": 20, "external": 40}
"""Columns of the reports that are shown, and the characters that each may have."""

SWEEP = {"output.report": True}
FORWARDS = {"task.name": "rules.report", "task.only": "external"}
FEW = 20
ZONE = {"task.name": "settings.apply", "task.time_zone": "W. Europe Standard Time", "input.limit": FEW}
"""What the demo runs, as settings over the job of the rehearsal."""

ROWS = 8

UNSHOWN = "\ufffd"
"""Stands in a row for a character that no terminal should get."""


def demo(
    *,
    directory: Annotated[Path, typer.Option(help="Where everything is left to look at.")] = Path("bulkmail-demo"),
    mailboxes: Annotated[int, typer.Option(help="Size of the simulated tenant.", min=1, max=200_000)] = 2000,
    latency: Annotated[int, typer.Option(help="Milliseconds that Graph takes to answer.", min=0, max=10_000)] = 100,
) -> None:
    """Show the whole thing on the embedded tenant: certificate, token, two reports, a plan applied and taken back.

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
        _heading("2  A token, signed for with the certificate")
        show_claims(await credential_of(load(rehearsal.job)).token())
        _heading(f"3  The sweep: {rehearsal.mailboxes} through {rehearsal.job}")
        swept = await _run(rehearsal, SWEEP)
        summary.show(await asyncio.to_thread(view_of, RunDir(swept.folder)), say.results)
        _heading("4  The first rows of records.csv")
        say.results.print(await asyncio.to_thread(_rows, swept.folder / "records.csv", SHOWN, _is_plain))
        _heading("5  Inbox rules that send mail outside")
        forwards = await _run(rehearsal, FORWARDS)
        _say_verdict(forwards)
        found = counted(forwards.manifest.sums.findings, "mailbox has", "mailboxes have")
        say.results.print(f"{found} a rule that is switched on and sends mail outside:")
        say.results.print(await asyncio.to_thread(_rows, forwards.folder / "records.csv", RULES, _is_grave))
        _heading(f"6  A time zone: planned for {FEW} mailboxes, applied as planned, taken back")
        await _there_and_back(rehearsal)
        _show_books(simulator.books())
    _show_next(directory, swept.folder)


async def _run(rehearsal: Rehearsal, flags: Mapping[str, Any]) -> Ended:
    """Runs the rehearsal's job. Raises what ended it early."""
    return await _observed(partial(begin, load(rehearsal.job, flags=flags), flags))


async def _there_and_back(rehearsal: Rehearsal) -> None:
    planned = await _run(rehearsal, ZONE)
    _say_verdict(planned)
    into = planned.folder.with_name(f"{planned.folder.name}-applied")
    applied = await _observed(partial(apply, planned.folder, {}, into=into))
    _say_verdict(applied)
    into = applied.folder.with_name(f"{applied.folder.name}-undo")
    _say_verdict(await _observed(partial(undo, applied.folder, {"task.apply": True}, into=into)))


async def _observed(work: Callable[..., Coroutine[Any, Any, Ended]]) -> Ended:
    with shown(say.errors) as observer:
        ended = await work(observers=[observer], note=_unsaid, sweeping=alone)
    if ended.failure is not None:
        raise ended.failure
    return ended


def _unsaid(_text: str) -> None:
    """The notes of a run; the demo says the same in its headings."""


def _say_verdict(ended: Ended) -> None:
    view = view_of(RunDir(ended.folder))
    say.results.print(f"{ended.folder.name}: {verdict(view)}", soft_wrap=True)


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


def _rows(path: Path, shown: Mapping[str, int], takes: Callable[[dict[str, str]], bool] = bool) -> Table:
    """The first rows that are taken, in a few columns of so many characters."""
    table = Table(box=None, pad_edge=False)
    for place, (name, width) in enumerate(shown.items()):
        least = None if place == len(shown) - 1 else min(width, 16)
        table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=least, max_width=width)
    with path.open(encoding="utf-8", newline="") as file:
        for row in islice(filter(takes, csv.DictReader(file)), ROWS):
            table.add_row(*(Text(one_line(row[name])) for name in shown))
    return table


def _is_plain(row: dict[str, str]) -> bool:
    return _is_readable(row["internal_reply"])


def _is_grave(row: dict[str, str]) -> bool:
    return row["severity"] == "high" and _is_readable(row["external"]) and _is_readable(row["name"])


def _is_readable(text: str) -> bool:
    """Some mailboxes of the tenant hold what a spreadsheet or a terminal must not run: not for a first look."""
    return text[:1].isalpha() and text.isprintable() and UNSHOWN not in text


def _show_books(books: Any) -> None:
    _heading("7  What the tenant saw")
    broke = sum(books["breaches"].values())
    say.results.print(
        f"{books['requests']:,} requests, at most {books['most_in_flight']:,} at a time and "
        f"{books['most_in_flight_per_mailbox']} for one mailbox; {broke} broke a limit, {books['early']} came early",
        soft_wrap=True,
    )


def _show_next(directory: Path, swept: Path) -> None:
    _heading("Look at it, and run it again by hand")
    told = {
        f"{swept / REPORT}": "the sweep as a page, for a browser",
        f"{command()} sim --directory {directory}": "in one terminal",
        f"{command()} run {directory / 'job.toml'}": "in another",
    }
    room = max(map(len, told))
    for what, why in told.items():
        say.results.print(f"  {what:<{room}}  {why}", soft_wrap=True)
