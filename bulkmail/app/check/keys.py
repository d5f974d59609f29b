"""The key that the application signs in with and the authorities that are trusted, as they lie on this machine."""

import os
import stat
from pathlib import Path

from bulkmail.app.check.seen import Seen
from bulkmail.app.compose import credential_of
from bulkmail.app.finding import Finding, passed, warned
from bulkmail.app.prepare import EXPIRES_SOON
from bulkmail.config import App
from bulkmail.identity.authority import authorities
from bulkmail.identity.entra import tls_context
from bulkmail.text import counted, one_line

AUTHORITY_SOON = 5
"""Days before the end of an authority; one of a rehearsal lasts for a week."""

SUCCESSOR = "Make its successor: bulkmail setup {job} --rollover."


async def look_at_certificate(seen: Seen) -> Finding:
    """Opens it, which also shows that the key belongs to the certificate. Whether it is registered, the token tells."""
    seen.credential = credential_of(seen.job)
    certificate = seen.credential.certificate
    open_to_others = _open_to_others(seen.job.app)
    if certificate is None:
        return _without_certificate(seen.job.app, open_to_others)
    left = certificate.days_left()
    facts = {"days_left": left, "sha1": certificate.sha1, "expires": certificate.not_after.isoformat()}
    until = f"{counted(left, 'day')} left, until {certificate.not_after:%d %b %Y}"
    text = f"{until}; its key belongs to it; SHA-1 {certificate.sha1}"
    if left < EXPIRES_SOON:
        return warned(text, SUCCESSOR.format(job=one_line(str(seen.job.path))), **facts)
    if notes := [*seen.credential.warnings, *open_to_others]:
        return warned(text, "; ".join(map(one_line, notes)), **facts)
    return passed(text, **facts)


def _without_certificate(app: App, notes: list[str]) -> Finding:
    if app.client_secret or app.client_secret_file:
        hint = "; ".join(["Anyone who reads it can sign in with it: bulkmail cert new makes a certificate.", *notes])
        return warned("a client secret, not a certificate", hint)
    if app.managed_identity in ("system", "user"):
        return passed("none is needed: this machine's own identity signs in")
    return passed("none is needed: another issuer vouches for the application")


def _open_to_others(app: App) -> list[str]:
    """Files with a secret in them that others may read; the key itself is looked at when it is opened."""
    files = (app.certificate_password_file, app.client_secret_file, app.assertion_file)
    return [f"others may read {path}: chmod 600 {path}" for path in files if path and _is_open(path)]


def _is_open(path: Path) -> bool:
    try:
        return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False


async def look_at_authority(seen: Seen) -> Finding:
    """The certificates by which hosts are verified."""
    file = seen.job.app.ca_file
    tls_context(str(file) if file else "")
    if file is None:
        return passed("those of this system")
    found = authorities(file)
    first = min(found, key=lambda one: one.not_after)
    number = counted(len(found), "authority", "authorities")
    text = f"{one_line(str(file))}: {number}, the first until {first.not_after:%d %b %Y}"
    if first.days_left() < AUTHORITY_SOON:
        hint = "Put its successor into app.ca_file: after that no host is trusted by it."
        return warned(text, hint, days_left=first.days_left())
    return passed(text, days_left=first.days_left())
