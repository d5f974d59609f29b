"""What the directory's refusals mean and what to do about them, as a table. Opens no connection.

Its reference says to react to the codes and never to the text (learn.microsoft.com/entra/identity-platform/
reference-error-codes), so the text is only repeated: its first sentence, cleaned.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bulkmail.core import retryafter
from bulkmail.errors import SignInError
from bulkmail.text import SEARCHED, shown

NOTICEABLE = 120  # seconds of clock difference worth telling; an assertion is good for some minutes
TRANSIENT_STATUS = frozenset({408, 429})  # beside everything from 500 on
TRANSIENT_CODES = frozenset({90033, 90055})  # temporarily unavailable; the tenant is throttled

_WRONG_CLOUD = "The tenant lives in another cloud: set cloud to usgov, usgov-dod or china in the job file."
_NOT_ACCEPTED = "Register the certificate at the application again: thumbprint {thumbprint}."
_OUR_SCOPE = "The scope is made from graph of the cloud: check cloud, login and graph in the job file."

ADVICE: Mapping[int, str] = {
    700027: "Register this certificate at the application {client_id}: thumbprint {thumbprint}. "
    "A new registration takes some minutes to work.",
    7000215: "Take the value of the client secret, not its id, and check that it belongs to {client_id}.",
    7000222: "Make a new client secret, or better a certificate: bulkmail cert new.",
    7000218: "Give a certificate, a client secret or an assertion file in the job file.",
    700021: "The assertion was made out for another application: check client_id ({client_id}).",
    700016: "Check client_id ({client_id}) and tenant_id ({tenant}): the application is not in this tenant.",
    7000112: "An administrator has disabled the application {client_id}: enable it under Enterprise applications.",
    90002: "Check tenant_id ({tenant}) and cloud: there is no such tenant here.",
    700024: "Set the clock of this machine.",
    50012: _NOT_ACCEPTED,
    50013: _NOT_ACCEPTED,
    500133: "Set the clock of this machine, or renew the assertion file.",
    500011: _OUR_SCOPE,
    70011: _OUR_SCOPE,
    1002012: _OUR_SCOPE,
    53003: "A conditional access policy blocks the application: ask for an exception, or run where it allows.",
    900382: _WRONG_CLOUD,
    900432: _WRONG_CLOUD,
    90038: _WRONG_CLOUD,
}
"""AADSTS code to what to do next, with the names of the application filled in."""

_CODE = re.compile(r"AADSTS([0-9]{1,9})(?![0-9]):?")
_SENTENCE = re.compile(r".*?[.!?](?=\s|$)")


@dataclass(frozen=True, slots=True)
class Names:
    """What a hint may mention. `thumbprint` is the SHA-1 of the certificate, or empty."""

    host: str
    tenant: str
    client_id: str
    thumbprint: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt that gave no token. `transient`: another may; `after`: not before so many seconds."""

    error: SignInError
    transient: bool = False
    after: float = 0.0


def refused(status: int, headers: Mapping[str, str], body: Any, names: Names, now: datetime | None = None) -> Failure:
    """What an answer of the directory other than 200 means. Header names are in lower case; `body` is JSON or None."""
    now = now or datetime.now(UTC)
    body = body if isinstance(body, dict) else {}
    text = body.get("error_description")
    text = text[:SEARCHED].lstrip() if isinstance(text, str) else ""
    code = _code(body.get("error_codes"), text)
    transient = status in TRANSIENT_STATUS or status >= 500 or code in TRANSIENT_CODES
    hint = ADVICE.get(code, "").format(thumbprint=names.thumbprint, tenant=names.tenant, client_id=names.client_id)
    if code == 700024:
        hint += _skew(headers.get("date", ""), now)
    error = SignInError(
        f"{names.host} gives no token: {_said(text, code) or f'HTTP status {status}'}",
        hint=hint,
        code=f"AADSTS{code}" if code else "",
    )
    return Failure(error, transient, retryafter.parse(headers, now.timestamp()) or 0.0)


def _code(listed: Any, text: str) -> int:
    """The first of the listed codes; else the one that the text opens with; else 0."""
    first = listed[0] if isinstance(listed, list) and listed else None
    if type(first) is int and 0 < first < 10**9:
        return first
    match = _CODE.match(text)
    return int(match[1]) if match else 0


def _said(text: str, code: int) -> str:
    """`AADSTS90002: Tenant 'x' not found.`"""
    line = shown(_CODE.sub("", text, count=1).strip().partition("\n")[0])
    sentence = _SENTENCE.match(line)
    said = sentence[0] if sentence else line
    return f"AADSTS{code}: {said}" if code else said


def _skew(date: str, now: datetime) -> str:
    """How far this machine's clock is from the directory's, where that is noticeable."""
    theirs = _date(date)
    ahead = (now - theirs).total_seconds() if theirs else 0.0
    if abs(ahead) < NOTICEABLE:
        return ""
    return f" It is {abs(ahead):.0f} seconds {'ahead' if ahead > 0 else 'behind'}."


def _date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
