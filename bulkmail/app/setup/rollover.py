"""The successor of a certificate: made, registered beside the old one, tried, and only then named in the job. The old
one is removed when told.
"""

from collections.abc import Mapping
from typing import Any

from bulkmail.app.compose import credential_of
from bulkmail.app.setup.administrator import is_of
from bulkmail.app.setup.site import Look, Site, Step, there, to_do
from bulkmail.app.setup.steps import CERTIFICATE, JOB, KEY, TRIAL, look_for_application
from bulkmail.config import load
from bulkmail.errors import UsageError
from bulkmail.text import one_line


async def _none(_site: Site) -> str:
    raise UsageError("the job names an application that the tenant does not have", hint="See `bulkmail setup JOB`.")


async def look_for_old_keys(site: Site) -> Look:
    if site.application is None or site.certificate is None:
        return there("none is known")
    keys = await site.directory.keys(site.application)
    old = [key for key in keys if not is_of(key, site.certificate)]
    if not old:
        return there("no other certificate is registered")
    named = ", ".join(map(_named, old))
    text = f"removes {len(old)} other: {named}. Whatever still signs in with them stops working"
    return to_do(text, f"PATCH /applications/{site.application['id']}  keyCredentials: {site.certificate.sha1} alone")


def _named(key: Mapping[str, Any]) -> str:
    return f"{one_line(str(key.get('displayName') or key['keyId']))} (until {str(key.get('endDateTime'))[:10]})"


async def remove_old_keys(site: Site) -> str:
    assert site.application is not None and site.certificate is not None  # noqa: PT018, S101 - found by earlier steps
    keys = await site.directory.keys(site.application)
    kept = [key for key in keys if is_of(key, site.certificate)]
    if not kept:
        raise UsageError("the certificate in use is not registered, so nothing is removed", hint="Run it again.")
    await site.directory.set_keys(site.application, kept)
    return f"{len(keys) - len(kept)} removed"


async def look_for_certificate_in_use(site: Site) -> Look:
    """Signs in with it, too: nothing is removed before that works."""
    credential = credential_of(load(site.wish.job))
    site.certificate = credential.certificate
    if site.certificate is None:
        raise UsageError(f"{site.wish.job} names no certificate", hint="A client secret has no other to be removed.")
    await credential.token()
    return there(f"SHA-1 {site.certificate.sha1}: the application signs in with it")


IN_USE = Step("certificate", "the certificate of the job, tried", look_for_certificate_in_use, _none, local=True)
APPLICATION = Step("application", "the application of the job", look_for_application, _none)
OLD_KEYS = Step("old keys", "the other certificates, removed", look_for_old_keys, remove_old_keys)

ROLLOVER = (CERTIFICATE, APPLICATION, KEY, TRIAL, JOB)
"""Adds the successor and goes over to it. Until the job names it, runs go on with the old one."""

REMOVAL = (IN_USE, APPLICATION, OLD_KEYS)
"""Removes all certificates but that of the job, after it was tried."""
