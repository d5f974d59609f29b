"""The steps of a set-up, as a table: each looks first, so that it can be repeated, and is shown before it is done."""

from bulkmail.app.setup import files
from bulkmail.app.setup.administrator import MADE_BY, Object, is_of
from bulkmail.app.setup.site import Look, Site, Step, there, to_do
from bulkmail.app.setup.trial import look_for_token, wait_for_token
from bulkmail.app.setup.wish import PRIVATE, PUBLIC, SECRET
from bulkmail.errors import UsageError
from bulkmail.identity.certificate import Certificate
from bulkmail.identity.issue import key_credentials
from bulkmail.text import counted, one_line


async def look_for_certificate(site: Site) -> Look:
    site.certificate = files.certificate_of(site.wish)
    names = ", ".join(str(site.wish.file(suffix)) for suffix in (PRIVATE, SECRET, PUBLIC))
    if site.certificate is None:
        return to_do(f"makes {names}: an RSA key for you alone, its password, and the public certificate")
    site.certificate.require_valid()
    left = counted(site.certificate.days_left(), "day")
    return there(f"{site.wish.file(PRIVATE)}, SHA-1 {site.certificate.sha1}, {left} left")


async def make_certificate(site: Site) -> str:
    site.certificate = files.make_keys(site.wish)
    return f"{site.wish.file(PRIVATE)}, SHA-1 {site.certificate.sha1}"


async def look_for_application(site: Site) -> Look:
    wish = site.wish
    found = await site.directory.application(client_id=site.client_id, name=wish.name)
    if len(found) > 1:
        raise UsageError(
            f"the tenant has {len(found)} applications named {wish.name!r}",
            hint="Say which: --client-id, one of " + ", ".join(str(one["appId"]) for one in found),
        )
    if found:
        site.found(found[0])
        return there(_introduced(found[0]))
    if site.client_id:
        raise UsageError(f"the tenant has no application {site.client_id}", hint="Check the tenant, or leave it out.")
    text = f"registers an application {wish.name!r} of this tenant alone, with the certificate and no permission yet"
    return to_do(text, f"POST /applications  displayName {wish.name!r}, keyCredentials of {_sha1(site)}")


async def make_application(site: Site) -> str:
    site.found(await site.directory.register(site.wish.name, _certificate(site)))
    return f"client id {site.client_id}"


async def look_for_key(site: Site) -> Look:
    if site.application is None or site.certificate is None:
        return to_do("adds the certificate to the application")
    keys = await site.directory.keys(site.application)
    if any(is_of(key, site.certificate) for key in keys):
        return there(f"registered, beside {len(keys) - 1} other" if len(keys) > 1 else "registered")
    text = f"adds the certificate to the application, beside the {len(keys)} that it has"
    return to_do(text, f"PATCH /applications/{site.application['id']}  keyCredentials: {_sha1(site)} besides")


async def make_key(site: Site) -> str:
    application = _application(site)
    keys = await site.directory.keys(application)
    await site.directory.set_keys(application, [*key_credentials([_certificate(site)]), *keys])
    return f"{len(keys) + 1} certificates are registered"


async def look_for_principal(site: Site) -> Look:
    site.principal = await site.directory.principal(site.client_id) if site.application is not None else None
    if site.principal is not None:
        return there(f"object id {site.principal['id']}")
    text = "makes the service principal, by which the application is in this tenant"
    return to_do(text, f"POST /servicePrincipals  appId {site.client_id or 'of the application'}")


async def make_principal(site: Site) -> str:
    site.principal = await site.directory.make_principal(site.client_id)
    return f"object id {site.principal['id']}"


async def look_for_permissions(site: Site) -> Look:
    wanted = await _wanted(site)
    listed = _listed(site.application)
    missing = [role for role, name in wanted.items() if name not in listed]
    if not missing:
        return there(", ".join(wanted) or "none: all is granted in Exchange")
    text = f"lists {', '.join(missing)} among what the application asks for; that grants nothing"
    return to_do(text, f"PATCH /applications/…  requiredResourceAccess: {', '.join(missing)}")


async def make_permissions(site: Site) -> str:
    wanted = await _wanted(site)
    await site.directory.require_access(_application(site), wanted.values())
    return ", ".join(wanted)


async def look_for_consent(site: Site) -> Look:
    wanted = await _wanted(site)
    missing = await _not_granted(site, wanted)
    if not missing:
        return there(", ".join(wanted) or "none: all is granted in Exchange")
    text = f"grants {', '.join(missing)} to the application, for EVERY mailbox of the tenant: admin consent"
    return to_do(text, *(f"POST /servicePrincipals/…/appRoleAssignments  {role}" for role in missing))


async def make_consent(site: Site) -> str:
    wanted = await _wanted(site)
    missing = await _not_granted(site, wanted)
    assert site.principal is not None and site.resource is not None  # noqa: PT018, S101 - made by the steps before
    for role in missing:
        await site.directory.grant(site.principal, site.resource, wanted[role])
    return ", ".join(missing)


async def look_for_job(site: Site) -> Look:
    job = site.wish.job
    if files.is_written(site.wish, site.client_id):
        return there(f"{job} names the application and its key")
    verb = "changes [app] of" if job.exists() else "writes"
    return to_do(f"{verb} {job}: client id, tenant and key files")


async def make_job(site: Site) -> str:
    files.write_job(site.wish, site.client_id)
    return str(site.wish.job)


CERTIFICATE = Step(
    "certificate", "a key pair, in files on this machine", look_for_certificate, make_certificate, local=True
)
KEY = Step("key", "its certificate, registered with the application", look_for_key, make_key)
TRIAL = Step("trial", "a sign-in of the application with the key", look_for_token, wait_for_token)
JOB = Step("job", "a job file that names all this", look_for_job, make_job, local=True)

SETUP = (
    CERTIFICATE,
    Step("application", "an application in the tenant", look_for_application, make_application),
    KEY,
    Step("principal", "its service principal", look_for_principal, make_principal),
    Step("permissions", "the least permissions of the tasks, listed", look_for_permissions, make_permissions),
    Step("consent", "admin consent to them", look_for_consent, make_consent),
    TRIAL,
    JOB,
)
"""All steps, in their order. The sign-in of the administrator comes before the first that is not local."""


async def _wanted(site: Site) -> dict[str, str]:
    """The roles that are granted in Entra, to their ids."""
    ids = await site.role_ids()
    return {role: ids[role] for role in site.wish.consented}


async def _not_granted(site: Site, wanted: dict[str, str]) -> list[str]:
    if site.principal is None or site.resource is None:
        return list(wanted)
    resource = site.resource["id"]
    granted = {
        one["appRoleId"] for one in await site.directory.granted(site.principal) if one["resourceId"] == resource
    }
    return [role for role, name in wanted.items() if name not in granted]


def _listed(application: Object | None) -> set[str]:
    asked = (application or {}).get("requiredResourceAccess", ())
    return {access["id"] for one in asked for access in one.get("resourceAccess", ())}


def _introduced(application: Object) -> str:
    made = str(application.get("createdDateTime", ""))[:10]
    by = "" if application.get("notes") == MADE_BY else "; it was NOT made by bulkmail setup"
    return f"{one_line(str(application['displayName']))}, client id {application['appId']}, of {made}{by}"


def _application(site: Site) -> Object:
    assert site.application is not None  # noqa: S101 - made by an earlier step
    return site.application


def _certificate(site: Site) -> Certificate:
    assert site.certificate is not None  # noqa: S101 - made by an earlier step
    return site.certificate


def _sha1(site: Site) -> str:
    return site.certificate.sha1 if site.certificate else "the certificate"
