"""`bulkmail sim`: the simulator as a product of its own, to rehearse on."""

import asyncio
import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias, get_args

import typer

from bulkmail import text as texts
from bulkmail.app.loop import interruptible
from bulkmail.app.loop import run as run_loop
from bulkmail.cli import console as say
from bulkmail.cli.rehearsal import PORT, command, prepare
from bulkmail.errors import ConfigError, OutputError, UsageError
from bulkmail.run.stop import Stop
from bulkmail.sim import BatchRule, Fault, Limits, RetryAfterForm, Settings, Simulator, kinds, load_faults, parse_fault

_ROLES = (
    "MailboxSettings.ReadWrite", "Mail.ReadWrite", "Mail.Send", "Contacts.ReadWrite", "Calendars.ReadWrite",
    "User.Read.All", "GroupMember.Read.All", "Reports.Read.All", "MailboxFolder.Read.All", "MailboxItem.Read.All",
    "MailboxItem.ImportExport.All", "People.Read.All", "Place.Read.All", "Domain.Read.All", "Directory.Read.All",
    "MailboxFolder.ReadWrite.All", "MailboxItem.ReadWrite.All", "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All", "User.ReadWrite.All",
)  # fmt: skip
ROLES = ",".join(_ROLES)

TENANT, TIME, LIMITS, APP, FAULTS = "The tenant", "Time and place", "Limits", "The application", "What goes wrong"


def _flag(help_text: str, panel: str, **more: Any) -> Any:
    return typer.Option(help=help_text, rich_help_panel=panel, **more)


Share: TypeAlias = float
Mailboxes = Annotated[int, _flag("Size of the tenant.", TENANT, min=1)]
Seed = Annotated[int, _flag("Which tenant; the same seed is the same tenant and the same luck.", TENANT)]
Absent = Annotated[Share, _flag("Share of users without a mailbox.", TENANT, min=0, max=1)]
Denied = Annotated[Share, _flag("Share of mailboxes out of the app's reach.", TENANT, min=0, max=1)]
Moving = Annotated[Share, _flag("Share that answers MailboxInfoStale the first two times.", TENANT, min=0, max=1)]
Stale = Annotated[Share, _flag("Share that does so for ever when asked for by address.", TENANT, min=0, max=1)]
Strict = Annotated[bool, typer.Option("--strict-replies", help="Automatic replies that are on must have texts.",
                                      rich_help_panel=TENANT)]  # fmt: skip
Concealed = Annotated[bool, typer.Option("--concealed", help="Usage reports show hashes in place of names.",
                                         rich_help_panel=TENANT)]  # fmt: skip
Items = Annotated[int, _flag("Messages of every mailbox; 0: few in most, hundreds in some.", TENANT, min=0)]
Largest = Annotated[int, _flag("Bytes of the largest message; 0: up to 92 KB.", TENANT, min=0)]
Typical = Annotated[
    int, _flag("Bytes that half of the messages are below, log-normal; 0: evenly up to the largest.", TENANT, min=0)
]
SessionLife = Annotated[str, _flag("How long a session for imports is good.", TIME)]
Latency = Annotated[str, _flag("Time that Graph takes for a request: 150ms, 2s.", TIME)]
RoundTrip = Annotated[str, _flag("Time of an exchange there and back, on top of it: 100ms.", TIME)]
SendDelay = Annotated[str, _flag("Time until a sent message is in Sent Items.", TIME)]
Host = Annotated[str, _flag("Address to listen on.", TIME)]
Port = Annotated[int, _flag("Port of Graph, and of Entra with TLS; 0 takes a free one.", TIME, min=0)]
SeenAt = Annotated[str, _flag("Address of Graph for clients, where a proxy of theirs stands before it: http://…", TIME)]
LoginPort = Annotated[int, _flag("Port of Entra under --plain.", TIME, min=0)]
Plain = Annotated[bool, typer.Option("--plain", help="Graph without TLS, for benchmarks.", rich_help_panel=TIME)]
Directory = Annotated[Path, _flag("Gets certificates, mailboxes.csv, job.toml.", TIME)]
StopAfter = Annotated[str, _flag("End by itself after this time; 0s: with Ctrl-C.", TIME)]
Roles = Annotated[
    str, _flag("Application permissions of the app, by commas.", APP, show_default="all that the tasks need")
]
Scope = Annotated[str, _flag("Group (its name or id) whose mailboxes alone the app may open, as by RBAC for "
                             "Applications.", APP)]  # fmt: skip
Days = Annotated[int, _flag("Make a new certificate with so many days left; 0 keeps the one that is there.", APP,
                            min=0)]  # fmt: skip
Life = Annotated[str, typer.Option("--token-life", help="How long a token is good.", rich_help_panel=APP)]
Rate = Annotated[float, _flag("App-wide requests a second; 0 for no such limit.", LIMITS, min=0)]
Burst = Annotated[int, _flag("Requests at once that the rate allows.", LIMITS, min=1)]
Harsh = Annotated[bool, typer.Option("--harsh", help="Over the rate, refuse all until Retry-After is over.",
                                     rich_help_panel=LIMITS)]  # fmt: skip
Form = Annotated[str, _flag(f"Form of Retry-After: {', '.join(get_args(RetryAfterForm))}.", LIMITS)]
Rule = Annotated[str, _flag("Parts of a batch at a time: four; or, as it once was, all; or four of the app.", LIMITS)]
Faults = Annotated[list[str] | None, _flag("kind:key=value,…; may be given again.", FAULTS)]
Script = Annotated[Path | None, _flag("Faults from a TOML or JSON file.", FAULTS)]
ListFaults = Annotated[bool, typer.Option("--list-faults", help="Tell the kinds of faults, and end.",
                                          rich_help_panel=FAULTS)]  # fmt: skip

HELP = """Simulate Entra and Graph on this machine, to rehearse on: strict about limits, and a witness of what happened.

It writes certificates, a list of mailboxes and a ready job into --directory, says where it listens, runs until
Ctrl-C and then prints its counts: requests, most in flight, breaches of limits, early retries, writes done twice.
Each rehearsal goes on in another terminal, with: bulkmail run rehearsal/job.toml

A throttled night: 200 requests a second, and nothing at all for a while if more are sent.

    bulkmail sim --rate 200 --burst 50 --harsh --retry-after decimal

An outage: one request in ten fails with 503, one connection in a hundred is reset after the work was done.

    bulkmail sim --fault status:status=503,share=0.1 --fault lost:share=0.01

An expiring certificate: ten days are left.

    bulkmail sim --certificate-days 10

A slow tenant: two seconds an answer, and one mailbox in a hundred that takes half a minute.

    bulkmail sim --latency 2s --fault slow:seconds=30,share=0.01

A million mailboxes.

    bulkmail sim --mailboxes 1000000 --latency 150ms

While it runs, GET /_books tells the counts, /_books/contacts (or messages, sent, settings, …) what was written, and
POST /_control changes limits, faults, certificates and tokens:

    curl --cacert rehearsal/ca.pem -H "Content-Type: application/json" -d '{"limits": {"rate": 50}}' …/_control
"""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the flags ask for."""

    settings: Settings
    directory: Path
    roles: tuple[str, ...]
    rest: float
    scope: str = ""
    days: int = 0


def seconds(text: str) -> float:
    """A duration in seconds, as a flag gives it. Raises UsageError."""
    try:
        return texts.seconds(text.strip())
    except ValueError as error:
        raise UsageError(f"{text!r}: {error}") from None


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
    mailboxes: Mailboxes = 2000,
    seed: Seed = 1,
    absent: Absent = 0.02,
    denied: Denied = 0.005,
    moving: Moving = 0.001,
    stale: Stale = 0.0,
    strict_replies: Strict = False,
    concealed: Concealed = False,
    items: Items = 0,
    largest_item: Largest = 0,
    typical_item: Typical = 0,
    session_life: SessionLife = "2h",
    latency: Latency = "0ms",
    round_trip: RoundTrip = "0ms",
    send_delay: SendDelay = "0ms",
    host: Host = "127.0.0.1",
    port: Port = PORT,
    login_port: LoginPort = 0,
    seen_at: SeenAt = "",
    plain: Plain = False,
    directory: Directory = Path("rehearsal"),
    stop_after: StopAfter = "0s",
    roles: Roles = ROLES,
    scope: Scope = "",
    certificate_days: Days = 0,
    life: Life = "3599s",
    rate: Rate = 0.0,
    burst: Burst = 100,
    harsh: Harsh = False,
    retry_after: Form = "integer",
    batch: Rule = "four",
    fault: Faults = None,
    script: Script = None,
    list_faults: ListFaults = False,
) -> None:
    """The command; HELP tells users what it does."""
    with say.exit_on_error():
        if list_faults:
            _tell_faults()
            return
        limits = {"rate": rate, "burst": burst, "harsh": harsh, "form": _one_of(retry_after, RetryAfterForm)}
        plan = {
            "mailboxes": mailboxes, "seed": seed, "absent": absent, "denied": denied, "moving": moving, "stale": stale,
            "strict_replies": strict_replies, "concealed": concealed, "latency": seconds(latency),
            "round_trip": seconds(round_trip), "items": items, "largest_item": largest_item,
            "typical_item": typical_item, "session_life": seconds(session_life),
            "send_delay": seconds(send_delay), "host": host, "port": port, "login_port": login_port, "seen_at": seen_at,
            "tls": not plain,
            "token_life": int(seconds(life)), "batch": _one_of(batch, BatchRule), "faults": faults(fault or [], script),
        }  # fmt: skip
        names = tuple(name.strip() for name in roles.split(",") if name.strip())
        settings, rest = _settings(plan, limits), seconds(stop_after)
        run_loop(_rehearse(_Plan(settings, directory, names, rest, scope, certificate_days)))


def _tell_faults() -> None:
    for name, text in kinds().items():
        say.results.print(f"{name:16}{text}", soft_wrap=True)


def _one_of(text: str, names: Any) -> str:
    if text not in get_args(names):
        raise UsageError(f"{text!r} is not among {', '.join(get_args(names))}")
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
        async with Simulator(plan.settings, kept=plan.directory) as simulator:
            scope = _group(simulator, plan.scope)
            await asyncio.to_thread(prepare, simulator, plan.directory, plan.roles, scope=scope, days=plan.days)
            _introduce(simulator, plan)
            with interruptible(stop, say.note):
                await _until(stop, plan.rest)
            say.results.print_json(json.dumps(simulator.books()))
    except OSError as error:
        where = f"{plan.settings.host}:{plan.settings.port}"
        raise OutputError(f"cannot listen on {where}: {error.strerror}", hint="Try --port 0.") from None


def _group(simulator: Simulator, text: str) -> str:
    """The id of the group with this name or id; empty without one. Raises UsageError."""
    groups = simulator.groups()
    if text and text.lower() not in groups:
        raise UsageError(f"the tenant has no group {text!r}", hint=f"There are {', '.join(groups)}.")
    return groups.get(text.lower(), "")


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
    ready = f"\nNow, in another terminal:  {command()} run {plan.directory / 'job.toml'}\nCtrl-C ends it."
    say.results.print(ready, soft_wrap=True)
