"""`bulkmail setup`: from nothing to a checked job, step by step; and the successor of a certificate."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bulkmail.app.check import exit_code
from bulkmail.app.compose import cloud_of
from bulkmail.app.loop import run as run_loop
from bulkmail.app.setup import REMOVAL, ROLLOVER, SETUP, Look, Site, Step, Told, set_up
from bulkmail.app.setup.administrator import SCOPES, Administrator, administering, token_of
from bulkmail.app.setup.instructions import INSTRUCTIONS, exchange
from bulkmail.cli import console as say
from bulkmail.cli.check import checked
from bulkmail.cli.columns import NAME, below, line
from bulkmail.cli.findings import show
from bulkmail.cli.groups import grouped
from bulkmail.cli.wishes import Given, asked, successor
from bulkmail.daemon import in_daemon
from bulkmail.identity.entra import tls_context
from bulkmail.identity.person import GRAPH_TOOLS, Code, Person

STYLES = {"there": "dim", "done": "green", "would": "yellow"}

STOPPED, INTERRUPTED = 5, 130
"""Exit codes where the person said no, or Ctrl-C: the same command goes on."""


class By(StrEnum):
    """Whose hands the instructions are for."""

    CLI = "cli"
    POWERSHELL = "powershell"
    PORTAL = "portal"


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """In which way the steps are taken."""

    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look at everything, and do nothing.")] = False
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: take what is usual, and do each step.")] = False
    public_client: Annotated[
        str,
        typer.Option(
            help="Application that the administrator signs in with.", show_default="Microsoft Graph Command Line Tools"
        ),
    ] = GRAPH_TOOLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """Where the application is; with the tenant and its client id, what a job says in [app]."""

    cloud: Annotated[str, typer.Option(help="global, usgov, usgov-dod, china, or custom with the next two.")] = ""
    login: Annotated[str, typer.Option(help="Sign-in endpoint of a custom cloud.")] = ""
    graph: Annotated[str, typer.Option(help="Graph endpoint of a custom cloud.")] = ""
    ca_file: Annotated[str, typer.Option(help="Certificate authorities to trust.")] = ""


@grouped
def setup(
    job_file: Annotated[Path, typer.Argument(help="Job file; made if it is not there.", metavar="[JOB.toml]")] = Path(
        "bulkmail.toml"
    ),
    *,
    tenant: Annotated[str, typer.Option(help="Tenant: its id, or a verified domain of it.")] = "",
    task: Annotated[
        list[str] | None, typer.Option(help="Task that the application is for; may come more than once.")
    ] = None,
    name: Annotated[str, typer.Option(help="Display name of the application in Entra; bulkmail if not given.")] = "",
    client_id: Annotated[str, typer.Option(help="An application that is there already, by its client id.")] = "",
    input_path: Annotated[str, typer.Option("--input", help="List of mailboxes for the job; users for all.")] = "",
    scope: Annotated[
        str, typer.Option(help="Name of a management scope: what Exchange can grant is granted there, for it alone.")
    ] = "",
    days: Annotated[int, typer.Option(help="Days until the certificate expires.", min=1)] = 365,
    key_size: Annotated[int, typer.Option(help="Bits of the RSA key; at least 2048.")] = 3072,
    rollover: Annotated[
        bool, typer.Option("--rollover", help="Make a successor of the job's certificate, try it and go over to it.")
    ] = False,
    remove_old: Annotated[
        bool, typer.Option("--remove-old", help="Remove all certificates of the application but that of the job.")
    ] = False,
    by: Annotated[
        By | None, typer.Option("--print", help="Print the steps for the Azure CLI, PowerShell or the portal instead.")
    ] = None,
    how: How,
    cloud: Cloud,
) -> None:
    """Set an application up: key, registration, permissions, consent and a job file, each shown before it is done.

    An administrator signs in with a code, on any device; the application gets the least permissions of its tasks. Each
    step looks first, so the same command goes on where it was interrupted, and changes nothing where all is there. At
    the end the job is checked.

    With --rollover a new certificate is registered beside the old one, tried, and named in the job; the old one stays
    until --remove-old.

    Exit codes: those of `bulkmail check`; 5 where you said no to a step.

    Examples:

      bulkmail setup contoso.toml

      bulkmail setup contoso.toml --tenant contoso.com --task settings.report --task rules.report --print cli

      bulkmail setup contoso.toml --rollover
    """
    say.log_to_stderr(as_json=False)
    app = {"tenant_id": tenant, "client_id": client_id, **asdict(cloud)}
    given = Given(
        job_file, app, tuple(task or ()), name, input_path, scope, days, key_size, yes=how.yes or by is not None
    )
    with say.exit_on_error():
        try:
            code = _set_up(given, how, by, rollover=rollover, remove_old=remove_old)
        except (KeyboardInterrupt, typer.Abort):
            say.note("interrupted: what is done stays done, and the same command goes on")
            code = INTERRUPTED
    raise typer.Exit(code)


def _set_up(given: Given, how: How, by: By | None, *, rollover: bool, remove_old: bool) -> int:
    wish = asked(given)
    if by is not None:
        typer.echo(INSTRUCTIONS[by](successor(wish) if rollover else wish))
        return 0
    if rollover:
        code = run_loop(_taken(Site(successor(wish)), ROLLOVER, how))
        if code == STOPPED or not remove_old:
            return code
        wish = asked(given)  # the job names the successor now
    if remove_old:
        return run_loop(_taken(Site(wish), REMOVAL, how))
    return run_loop(_taken(Site(wish), SETUP, how))


async def _taken(site: Site, steps: Sequence[Step], how: How) -> int:
    """Takes the steps, tells of each, and checks the job at the end."""
    _introduce(site, steps)
    taken = 0
    async with AsyncExitStack() as opened:
        sign_in = partial(_sign_in, site, how, opened)
        agree = partial(_agree, yes=how.yes)
        async for told in set_up(site, steps, sign_in=sign_in, agree=agree, dry_run=how.dry_run):
            _tell(told)
            taken += 1
    if taken < len(steps):
        say.results.print(f"Stopped before {steps[taken].name}. The same command goes on.", soft_wrap=True)
        return STOPPED
    _tell_scope(site)
    if how.dry_run:
        return 0
    say.results.print("\nThe check of the job:", style="bold")
    return exit_code(await checked(site.wish.job, {}, partial(show, console=say.results)))


def _introduce(site: Site, steps: Sequence[Step]) -> None:
    wish = site.wish
    for number, step in enumerate(steps, 1):
        say.results.print(f"{number:2}  {step.name:<{NAME}}{step.what}", soft_wrap=True)
    say.results.print()
    line(say.results, "for", "tasks", ", ".join(wish.tasks))
    line(say.results, "in", "tenant", wish.app.tenant_id)
    if wish.roles:
        line(say.results, "with", "permissions", ", ".join(wish.roles))
    say.results.print()


async def _sign_in(site: Site, how: How, opened: AsyncExitStack) -> Administrator:
    app = site.wish.app
    tls = tls_context(str(app.ca_file) if app.ca_file else "")
    person = Person(cloud_of(app), app.tenant_id, SCOPES, tls, client_id=how.public_client)
    token = await token_of(person, _tell_code, site.sleep)
    _line("done", "sign-in", "an administrator has signed in")
    return await opened.enter_async_context(administering(app, token, site.sleep))


def _tell_code(code: Code) -> None:
    say.results.print("Sign in as an administrator of the tenant, on any device:", style="bold")
    say.results.print(f"  open   {code.where}\n  enter  {code.user_code}", style="bold", soft_wrap=True)


async def _agree(step: Step, look: Look, *, yes: bool) -> bool:
    """Shows what would be done, and asks: beside the loop, so that connections are looked after meanwhile."""
    _line("next", step.name, look.text)
    for request in look.requests:
        below(say.results, request, style="dim")
    return yes or await in_daemon(partial(typer.confirm, "Do it?", default=True, err=True))


def _tell(told: Told) -> None:
    _line(told.state, told.step.name, told.text)


def _line(state: str, name: str, text: str) -> None:
    line(say.results, state, name, text, style=STYLES.get(state, "bold"))


def _tell_scope(site: Site) -> None:
    """What only Exchange can do."""
    if not site.wish.scoped:
        return
    object_id = str(site.principal["id"]) if site.principal else ""
    say.results.print(f"\n{exchange(site.wish, site.client_id, object_id)}", soft_wrap=True)
