"""What `bulkmail token` prints: the claims of an access token, or the token itself when it is asked for by name."""

import json
from typing import Any

import typer

from bulkmail.identity.claims import decode

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


def show_token(token: str, *, raw: bool = False, as_json: bool = False) -> None:
    """Prints the claims to the standard output. `raw` prints nothing but the token: whoever sees it can use it."""
    if raw:
        typer.echo(token)
        return
    claims = decode(token)
    if as_json:
        typer.echo(json.dumps(claims, indent=2))
    elif not claims:
        typer.echo("A token was given. It is no JWT, so there is nothing to show of it.")
    else:
        for name, label in LABELS.items():
            typer.echo(f"{label:<15} {_shown(claims[name])}")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none: an administrator has not consented to any, or access is granted in Exchange"
    return "unknown" if value in (None, "") else str(value)
