"""Whether the two hosts answer: the way to them, their TLS certificates and their clocks. Sends no token."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from bulkmail.app.check.seen import Seen
from bulkmail.app.compose import cloud_of, wire_settings
from bulkmail.app.finding import Finding, failed, passed, skipped, warned
from bulkmail.config.proxy import proxy_for
from bulkmail.core.odata import segment
from bulkmail.errors import ServiceDown, SignInError, TransportError
from bulkmail.model import Request, Response
from bulkmail.text import shown
from bulkmail.transport.wire import wire

PATIENCE = 20.0
"""Seconds for one answer, from connecting on."""

NOTICEABLE, TOO_FAR = 60.0, 300.0
"""Seconds of difference between clocks: worth telling, and more than Entra takes in an assertion
(learn.microsoft.com/entra/identity-platform/certificate-credentials)."""

SLOW = 2_000.0
"""Milliseconds of a first answer, connection and handshake included; it takes a fifth of that across an ocean."""

UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"


class Answered(NamedTuple):
    """An answer, the milliseconds that it took, and the seconds by which the clock of its host is ahead."""

    response: Response
    milliseconds: float
    ahead: float | None


async def look_at_sign_in(seen: Seen) -> Finding:
    """Asks for what every sign-in begins with, the tenant's discovery document."""
    origin = cloud_of(seen.job.app).login
    if seen.job.app.managed_identity in ("system", "user"):
        return passed("not asked: this machine's own identity gives the tokens")
    found = await _ask(seen, origin, f"/{segment(seen.job.app.tenant_id)}/v2.0/.well-known/openid-configuration")
    if isinstance(found, Finding):
        return found
    body = found.response.body
    if found.response.status == 200 and isinstance(body, Mapping) and "token_endpoint" in body:
        return reached(seen, origin, found)
    said = shown(str(body.get("error_description", ""))).partition(". ")[0] if isinstance(body, Mapping) else ""
    hint = "Check app.tenant_id and app.cloud; a proxy or a portal in between may answer in its place."
    text = f"{origin} does not know the tenant: {said or f'status {found.response.status}'}"
    return failed(text, hint, SignInError.exit_code)


async def look_at_graph(seen: Seen) -> Finding:
    """Without a token it refuses, in JSON: that is the answer that is wanted."""
    origin = cloud_of(seen.job.app).graph
    found = await _ask(seen, f"{origin}/v1.0", "/")
    return found if isinstance(found, Finding) else judged_graph(seen, origin, found)


def judged_graph(seen: Seen, origin: str, found: Answered) -> Finding:
    """Whether the answer is Graph's own."""
    status = found.response.status
    if status >= 500:
        hint = "An outage, or something in between: a run would wait up to limits.max_wait for its end."
        return warned(f"{origin} answers with status {status}", hint, status=status)
    if not isinstance(found.response.body, Mapping):
        hint = "A proxy or a portal answers in its place: see HTTPS_PROXY and app.cloud."
        return failed(f"{origin} answers with status {status}, and not as Graph does", hint, ServiceDown.exit_code)
    return reached(seen, origin, found)


async def look_at_clock(seen: Seen) -> Finding:
    """The farthest of the two; it is told to the second, so a second is nothing."""
    if not seen.clocks:
        return skipped("no host said what time it is")
    host, ahead = max(seen.clocks.items(), key=lambda one: abs(one[1]))
    off = round(abs(ahead))
    if off <= 1:
        return passed(f"that of {host} to the second", seconds=ahead)
    text = f"this machine is {off:,} s {'behind' if ahead > 0 else 'ahead of'} {host}"
    hint = "Set the clock of this machine, by NTP: Entra takes no proof that is 5 minutes off."
    if off >= TOO_FAR:
        return failed(text, hint, SignInError.exit_code, seconds=ahead)
    return warned(text, hint, seconds=ahead) if off >= NOTICEABLE else passed(text, seconds=ahead)


async def _ask(seen: Seen, base: str, path: str) -> Answered | Finding:
    """The answer, or why there is none."""
    settings = wire_settings(seen.job)
    tls = settings.tls if base.startswith("https:") else None
    settings = replace(settings, base=base, tls=tls, small=PATIENCE, connections=1)
    clock = asyncio.get_running_loop().time
    try:
        async with wire(settings) as terminal:
            begun, at = clock(), datetime.now(UTC)
            response = await terminal.send(Request("GET", path))
            took = clock() - begun
    except TransportError as error:
        return _unreached(base, error)
    ahead = clock_of(response.headers, at.timestamp() + took / 2)
    if ahead is not None:
        seen.clocks[base.partition("://")[2].partition("/")[0]] = ahead
    return Answered(response, took * 1000, ahead)


def clock_of(headers: Mapping[str, str], middle: float) -> float | None:
    """Seconds by which the clock of a host is ahead; `middle` is when we think it answered, in seconds since 1970.

    The header cuts its seconds off, so half of one is added.
    """
    try:
        told = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() + 0.5 - middle


def reached(seen: Seen, origin: str, found: Answered) -> Finding:
    proxy = proxy_for(origin)
    way = f"through {proxy.shown}" if proxy else "directly"
    by = seen.job.app.ca_file
    tls = f", trusted by {by.name if by else 'this system'}" if origin.startswith("https:") else ", without TLS"
    text = f"{origin}: reached {way} in {found.milliseconds:,.0f} ms{tls}"
    facts = {"milliseconds": round(found.milliseconds), "proxy": proxy.shown if proxy else ""}
    if found.milliseconds >= SLOW:
        return warned(text, "That is slow: look at the proxy and at what else looks into the traffic.", **facts)
    return passed(text, **facts)


def _unreached(base: str, error: TransportError) -> Finding:
    if UNTRUSTED in str(error):
        text = f"the TLS certificate of {base} is not trusted"
        hint = "If a proxy or an authority of your own signs for it, name that certificate as app.ca_file."
        return failed(text, hint, SignInError.exit_code)
    proxy = proxy_for(base)
    way = f"Check the proxy {proxy.shown}" if proxy else "Check name service, network and firewall, and HTTPS_PROXY"
    return failed(str(error), f"{way}, and app.cloud.", ServiceDown.exit_code)
