"""Signs in as the application with the key of a set-up, and waits while the directory does not know the key yet."""

from bulkmail.app.compose import settings_of
from bulkmail.app.setup.site import Look, Site, there, to_do
from bulkmail.app.setup.wish import PRIVATE, SECRET
from bulkmail.errors import SignInError
from bulkmail.identity.settings import credential_from

NOT_YET = frozenset({"AADSTS700027", "AADSTS700016", "AADSTS7000112"})
"""What the directory says of a key or an application that was registered a moment ago."""

WAITS = (2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 60.0, 60.0, 60.0)
"""Seconds between the attempts: five minutes in all. A new key usually works within one."""


async def look_for_token(site: Site) -> Look:
    if site.application is None or site.certificate is None:
        return to_do("signs in as the application with the key, which proves that it is registered")
    try:
        await _token(site)
    except SignInError as error:
        if error.code not in NOT_YET:
            raise
        return to_do(f"signs in with the key; for now: {error}. A new key takes some minutes to work")
    return there("the application signs in with the key")


async def wait_for_token(site: Site) -> str:
    """Raises SignInError where it does not work in time, or for another reason than being new."""
    for wait in (*WAITS, 0.0):
        try:
            await _token(site)
        except SignInError as error:
            if not wait or error.code not in NOT_YET:
                raise
            await site.sleep(wait)
        else:
            break
    return "the application signs in with the key"


async def _token(site: Site) -> str:
    wish = site.wish
    app = wish.app.model_copy(update={
        "client_id": site.client_id, "certificate": wish.file(PRIVATE), "certificate_password_file": wish.file(SECRET),
        "certificate_password": None, "client_secret": None, "client_secret_file": None, "assertion_file": None,
    })  # fmt: skip
    return await credential_from(settings_of(app)).token()
