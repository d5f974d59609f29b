"""`bulkmail token`: gets an app-only token and shows its claims; the token itself only with `--raw`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from bulkmail.app.compose import credential_of, proxy_shown
from bulkmail.app.loop import run
from bulkmail.cli import console as say
from bulkmail.cli.password import unlocking
from bulkmail.config import Job, load
from bulkmail.errors import UsageError
from bulkmail.identity.claims import decode
from bulkmail.identity.credential import Credential
from bulkmail.text import counted

LABELS = {
    "application": "application",
    "tenant": "tenant",
    "audience": "audience",
    "type": "type",
    "signed_in_with": "signed in with",
    "roles": "roles",
    "expires": "expires",
    "minutes_left": "minutes left",
}


def token(
    job_file: Annotated[Path, typer.Argument(help="Job file; only its [app] table matters.", metavar="JOB.toml")],
    *,
    decoded: Annotated[bool, typer.Option("--decode", help="Show the claims; this is what happens anyway.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Print the token: who has it can act as the application.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the claims as JSON.")] = False,
) -> None:
    """Get an app-only token and show the claims that matter: application, tenant, roles, expiry.

    Examples:

      bulkmail token report.toml --decode

      bulkmail token report.toml --raw | some-other-tool
    """
    say.log_to_stderr(as_json=False)
    with say.exit_on_error():
        if raw and (decoded or as_json):
            raise UsageError("--raw goes with neither --decode nor --json", hint="Give one of them.")
        job, credential = unlocking(lambda: _signed_in_by(job_file))
        show_token(run(credential.token()), raw=raw, as_json=as_json)
        if not raw and not as_json and credential.certificate is not None:
            left, until = credential.certificate.days_left(), credential.certificate.not_after
            typer.echo(f"{'certificate':<15} {counted(left, 'day')} left, until {until:%d %b %Y}")
        if not raw and not as_json and (proxy := proxy_shown(job.app)):
            typer.echo(f"{'through':<15} {proxy}")


def _signed_in_by(job_file: Path) -> tuple[Job, Credential]:
    job = load(job_file)
    return job, credential_of(job)


def show_token(text: str, *, raw: bool = False, as_json: bool = False) -> None:
    """Prints the claims to the standard output. `raw` prints nothing but the token: anyone who sees it can use it."""
    if raw:
        typer.echo(text)
    elif as_json:
        typer.echo(json.dumps(decode(text), indent=2))
    else:
        show_claims(text)


def show_claims(text: str) -> None:
    """The claims, one a line."""
    claims = decode(text)
    if not claims:
        typer.echo("A token was given. It is not a JWT, so there is nothing to show of it.")
    for name, label in LABELS.items():
        if name in claims:
            typer.echo(f"{label:<15} {_shown(claims[name])}")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none: an administrator has not consented to any, or access is granted in Exchange"
    return "unknown" if value in (None, "") else str(value)
