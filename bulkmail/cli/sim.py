"""`bulkmail sim`: the simulator as a product of its own, to rehearse on."""

import asyncio
import contextlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_args

import typer

from bulkmail.cli import say
from bulkmail.cli.loop import interruptible
from bulkmail.cli.loop import run as run_loop
from bulkmail.cli.rehearsal import PORT, command, prepare
from bulkmail.errors import ConfigError, OutputError, UsageError
from bulkmail.run.stop import Stop
from bulkmail.sim import Fault, Limits, RetryAfterForm, Settings, Simulator, kinds, load_faults, parse_fault

ROLES = (
    "MailboxSettings.ReadWrite", "Mail.ReadWrite", "Mail.Send", "Contacts.ReadWrite", "Calendars.ReadWrite",
    "User.Read.All", "GroupMember.Read.All", "Reports.Read.All", "MailboxFolder.Read.All", "MailboxItem.Read.All",
    "MailboxItem.ImportExport.All",
)  # fmt: skip
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "": 1.0}


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the flags ask for."""

    settings: Settings
    directory: Path
    roles: tuple[str, ...]
    rest: float


def seconds(text: str) -> float:
    """A duration such as `150ms`, `2s`, `1.5` or `10m`, in seconds. Raises UsageError."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no duration", hint="Write 150ms, 2s, 1.5 or 10m.")
    return float(found[1]) * _UNITS[found[2]]


def faults(texts: list[str], script: Path | None) -> tuple[Fault, ...]:
    """The faults of the flags, after those of the script. Raises UsageError, ConfigError."""
    try:
        listed = load_faults(script) if script else ()
    except (OSError, ValueError) as error:
        raise ConfigError(f"the script of faults cannot be used: {error}") from None
    try:
        return (*listed, *map(parse_fault, texts))
    except ValueError as error:
        raise UsageError(str(error), hint="bulkmail sim --list-faults tells what there is.") from None


def sim(
    *,
    mailboxes: Annotated[int, typer.Option(help="Size of the tenant.", min=1)] = 2000,
    seed: Annotated[int, typer.Option(help="Which tenant; the same seed is the same tenant and the same luck.")] = 1,
    latency: Annotated[str, typer.Option(help="Time that Graph takes for a request: 150ms, 2s.")] = "0ms",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of Graph, and of Entra with TLS; 0 takes a free one.", min=0)] = PORT,
    login_port: Annotated[int, typer.Option(help="Port of Entra under --plain.", min=0)] = 0,
    plain: Annotated[bool, typer.Option("--plain", help="Graph without TLS, for benchmarks.")] = False,
    directory: Annotated[Path, typer.Option(help="Gets certificates, mailboxes.csv, job.toml.")] = Path("rehearsal"),
    roles: Annotated[str, typer.Option(help="Application permissions of the app, by commas.")] = ",".join(ROLES),
    life: Annotated[str, typer.Option("--token-life", help="How long a token is good.")] = "3599s",
    rate: Annotated[float, typer.Option(help="App-wide requests a second; 0 for no such limit.", min=0)] = 0.0,
    burst: Annotated[int, typer.Option(help="Requests at once that the rate allows.", min=1)] = 100,
    harsh: Annotated[
        bool, typer.Option("--harsh", help="Over the rate, refuse all until Retry-After is over.")
    ] = False,
    retry_after: Annotated[
        str, typer.Option(help=f"Form of Retry-After: {', '.join(get_args(RetryAfterForm))}.")
    ] = "integer",
    absent: Annotated[float, typer.Option(help="Share of users without a mailbox.", min=0, max=1)] = 0.02,
    denied: Annotated[float, typer.Option(help="Share of mailboxes out of the app's reach.", min=0, max=1)] = 0.005,
    fault: Annotated[list[str] | None, typer.Option(help="kind:key=value,…; may be given again.")] = None,
    script: Annotated[Path | None, typer.Option(help="Faults from a TOML or JSON file.")] = None,
    stop_after: Annotated[str, typer.Option(help="End by itself after this time.")] = "0s",
    list_faults: Annotated[bool, typer.Option("--list-faults", help="Tell the kinds of faults, and end.")] = False,
) -> None:
    """Simulate Entra and Graph on this machine, to rehearse on: strict about limits, and a witness of what happened.

    It writes certificates, a list of mailboxes and a ready job into --directory, says where it listens, runs until
    Ctrl-C and then prints its books: requests, most in flight, breaches of limits, early retries, writes done twice.

    A tenant of 50,000 that takes 150 ms an answer:

        bulkmail sim --mailboxes 50000 --latency 150ms
        bulkmail run rehearsal/job.toml        (in another terminal)

    A tenant that gives 200 requests a second and shuts the door on who asks for more:

        bulkmail sim --rate 200 --burst 50 --harsh --retry-after decimal

    One in twenty requests for messages fails with 503, one in a hundred connections is reset after the work is done:

        bulkmail sim --fault status:status=503,share=0.05,match=/messages --fault lost:share=0.01

    While it runs, GET /_books tells the counts, and POST /_control changes limits, faults and tokens:

        curl --cacert rehearsal/ca.pem -H "Content-Type: application/json" -d '{"limits": {"rate": 50}}' …/_control
    """
    with say.told():
        if list_faults:
            for name, text in kinds().items():
                say.results.print(f"{name:16}{text}", soft_wrap=True)
            return
        limits = {"rate": rate, "burst": burst, "harsh": harsh, "form": _form(retry_after)}
        plan = {"mailboxes": mailboxes, "seed": seed, "latency": seconds(latency), "host": host, "port": port}
        plan |= {"login_port": login_port, "tls": not plain, "token_life": int(seconds(life))}
        plan |= {"absent": absent, "denied": denied, "faults": faults(fault or [], script)}
        names = tuple(name.strip() for name in roles.split(",") if name.strip())
        run_loop(_rehearse(_Plan(_settings(plan, limits), directory, names, seconds(stop_after))))


def _form(text: str) -> str:
    if text not in get_args(RetryAfterForm):
        raise UsageError(f"Retry-After has no form {text!r}", hint=f"There are {', '.join(get_args(RetryAfterForm))}.")
    return text


def _settings(plan: dict[str, object], limits: dict[str, object]) -> Settings:
    try:
        return Settings(**plan, limits=Limits(**limits))  # type: ignore[arg-type]  # checked by the flags' types
    except ValueError as error:
        raise UsageError(str(error)) from None


async def _rehearse(plan: _Plan) -> None:
    say.log_to_stderr(as_json=False)
    stop = Stop()
    try:
        async with Simulator(plan.settings) as simulator:
            await asyncio.to_thread(prepare, simulator, plan.directory, plan.roles)
            _introduce(simulator, plan)
            with interruptible(stop, say.note):
                await _until(stop, plan.rest)
            say.results.print_json(json.dumps(simulator.books()))
    except OSError as error:
        where = f"{plan.settings.host}:{plan.settings.port}"
        raise OutputError(f"cannot listen on {where}: {error.strerror}", hint="Try --port 0.") from None


async def _until(stop: Stop, rest: float) -> None:
    """Until the user asks to stop, or `rest` seconds have passed; 0 stands for no end."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(rest or None):
            await stop.wait()


def _introduce(simulator: Simulator, plan: _Plan) -> None:
    rows = (
        ("Entra", simulator.login_url),
        ("Graph", f"{simulator.graph_url}/v1.0"),
        ("tenant", f"{simulator.tenant_id}, {plan.settings.mailboxes:,} mailboxes, seed {plan.settings.seed}"),
        ("authority", plan.directory / "ca.pem"),
        ("mailboxes", plan.directory / "mailboxes.csv"),
        ("job", plan.directory / "job.toml"),
        ("books", f"{simulator.graph_url}/_books"),
    )
    for name, value in rows:
        say.results.print(f"{name:10} {value}", soft_wrap=True)
    say.results.print(f"\nNow, in another terminal:  {command()} run {plan.directory / 'job.toml'}\nCtrl-C ends it.")
