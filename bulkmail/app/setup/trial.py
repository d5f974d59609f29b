"""Signs in as the application with the key of a set-up, and waits while the directory does not know key or roles."""

from bulkmail.app.compose import settings_of
from bulkmail.app.setup.site import Look, Site, there, to_do
from bulkmail.app.setup.wish import PRIVATE, SECRET
from bulkmail.errors import SignInError
from bulkmail.identity.claims import decode
from bulkmail.identity.settings import credential_from

NOT_YET = frozenset({"AADSTS700027", "AADSTS700016"})
"""What the directory says of a key or an application that was registered a moment ago."""

WAITS = (2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 60.0, 60.0, 60.0)
"""Seconds between the attempts: five minutes in all. A new key or role usually works within one."""

WORKS = "the application signs in with the key"


async def look_for_token(site: Site) -> Look:
    if site.application is None or site.certificate is None:
        return to_do("signs in as the application with the key, which proves that it is registered")
    lacking = await _lacking(site)
    return (
        to_do(f"signs in with the key; for now: {lacking}. It takes some minutes to work") if lacking else there(WORKS)
    )


async def wait_for_token(site: Site) -> str:
    """Raises SignInError where there is no token in time, or for another reason than that it is too early."""
    for wait in WAITS:
        if not await _lacking(site):
            return WORKS
        await site.sleep(wait)
    lacking = await _lacking(site, last=True)
    return f"{WORKS}; {lacking}, which may take an hour" if lacking else WORKS


async def _lacking(site: Site, *, last: bool = False) -> str:
    """What is not there yet: the token itself, or roles in it that were consented to; empty if all is."""
    try:
        roles = decode(await _token(site)).get("roles", ())
    except SignInError as error:
        if last or error.code not in NOT_YET:
            raise
        return str(error)
    missing = [role for role in site.wish.consented if role not in roles]
    return f"the token has no {', '.join(missing)} yet" if missing else ""


async def _token(site: Site) -> str:
    wish = site.wish
    app = wish.app.model_copy(update={
        "client_id": site.client_id, "certificate": wish.file(PRIVATE), "certificate_password_file": wish.file(SECRET),
        "certificate_password": None, "client_secret": None, "client_secret_file": None, "assertion_file": None,
    })  # fmt: skip
    return await credential_from(settings_of(app)).token()
