"""The directory's objects of applications, kept for the whole tenant, and what of them the sign-in service goes by.

An application is known to sign-in from the moment on that it has a service principal; its roles are those that were
granted to that, its certificates those of the application.
"""

import base64
import binascii
import hashlib
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from bulkmail.sim.entra.assertion import App
from bulkmail.sim.families.applications.kind import GRAPH_APP, LAG, WRITABLE
from bulkmail.sim.families.users.content import not_found
from bulkmail.sim.graph.call import Json, Refusal, bad_request
from bulkmail.sim.world import World

NAMES = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


@dataclass(slots=True)
class Objects:
    """By object id; `unseen` counts the requests for which a new application is not known yet, of `lag` in all."""

    applications: dict[str, Json] = field(default_factory=dict)
    principals: dict[str, Json] = field(default_factory=dict)
    assignments: dict[str, Json] = field(default_factory=dict)
    unseen: Counter[str] = field(default_factory=Counter)
    lag: int = LAG


def objects(world: World) -> Objects:
    """Those of the tenant, with objects for applications that were registered beside the directory."""
    held: Objects = world.kept.setdefault("applications", Objects())
    if not held.principals:
        _add_principal(held, GRAPH_APP, "Microsoft Graph", roles=sorted(world.roles))
    known = {one["appId"] for one in held.applications.values()}
    for client_id in [client_id for client_id in world.apps if client_id not in known]:
        _adopt(held, world.apps[client_id])
    return held


def one_of(held: dict[str, Json], text: str) -> Json:
    """Raises Refusal for an id that there is not."""
    found = held.get(text)
    if found is None:
        raise not_found(text)
    return found


def known_application(held: Objects, text: str) -> Json:
    """The application with this object id. Raises Refusal for one that is not known, or not yet."""
    found = one_of(held.applications, text)
    if held.unseen[found["appId"]] > 0:
        held.unseen[found["appId"]] -= 1
        raise not_found(text)
    return found


def new_application(held: Objects, body: Json, app_id: str = "") -> Json:
    """Raises Refusal for a body that is not an application."""
    if not isinstance(body.get("displayName"), str) or not body["displayName"]:
        raise bad_request(
            "A value is required for property 'displayName' of resource 'Application'.", "Request_BadRequest"
        )
    made: Json = {
        "id": str(uuid.uuid4()),
        "appId": app_id or str(uuid.uuid4()),
        "createdDateTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "publisherDomain": "tenant.example",
        "signInAudience": "AzureADandPersonalMicrosoftAccount",
        "keyCredentials": [],
        "passwordCredentials": [],
        "requiredResourceAccess": [],
        "tags": [],
        "notes": None,
    }
    update_application(made, body)
    held.applications[made["id"]] = made
    if not app_id:
        held.unseen[made["appId"]] = held.lag
    return made


def update_application(application: Json, body: Json) -> None:
    """Replaces each property that is given, whole. Raises Refusal for a key that is not a certificate."""
    given = {name: value for name, value in body.items() if name in WRITABLE}
    if "keyCredentials" in given:
        there = {one["keyId"]: one for one in application["keyCredentials"]}
        given["keyCredentials"] = [_key(one, there) for one in given["keyCredentials"]]
    application.update(given)


def _key(given: Json, there: dict[str, Json]) -> Json:
    """A key that is there already may come without its content, as a listing shows it."""
    if given.get("key") is None and given.get("keyId") in there:
        return there[given["keyId"]]
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode(given["key"], validate=True))
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise Refusal(400, "KeyCredentialsInvalidValue", "Key credential's value is not a certificate.") from None
    if given.get("type") != "AsymmetricX509Cert" or given.get("usage") != "Verify":
        raise Refusal(400, "KeyCredentialsInvalidType", "Key credential type or usage is not supported.")
    return {
        "customKeyIdentifier": given.get("customKeyIdentifier"),
        "displayName": given.get("displayName") or certificate.subject.rfc4514_string(),
        "startDateTime": certificate.not_valid_before_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "endDateTime": certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "key": given["key"],
        "keyId": given.get("keyId") or str(uuid.uuid4()),
        "type": given["type"],
        "usage": given["usage"],
    }


def new_principal(held: Objects, app_id: str) -> Json:
    """Raises Refusal for an application that is not known (yet), or has one already."""
    application = next((one for one in held.applications.values() if one["appId"] == app_id), None)
    if application is None or held.unseen[app_id] > 0:
        held.unseen[app_id] -= 1
        text = f"The appId '{app_id}' of the service principal does not reference a valid application object."
        raise bad_request(text, "Request_BadRequest")
    if any(one["appId"] == app_id for one in held.principals.values()):
        text = f"The service principal cannot be created because the service principal name {app_id} is in use."
        raise Refusal(409, "Request_MultipleObjectsWithSameKeyValue", text)
    return _add_principal(held, app_id, application["displayName"])


def _add_principal(held: Objects, app_id: str, name: str, *, roles: list[str] | None = None) -> Json:
    made: Json = {
        "id": str(uuid.uuid5(NAMES, f"principal {app_id}")),
        "appId": app_id,
        "displayName": name,
        "accountEnabled": True,
        "servicePrincipalType": "Application",
        "appRoles": [_role(role) for role in roles or ()],
    }
    held.principals[made["id"]] = made
    return made


def _role(name: str) -> Json:
    return {
        "id": str(uuid.uuid5(NAMES, name)),
        "value": name,
        "displayName": name,
        "allowedMemberTypes": ["Application"],
        "isEnabled": True,
    }


def new_assignment(held: Objects, body: Json) -> Json:
    """Raises Refusal for a role or a principal that there is not, and for a second grant of the same."""
    principal, resource = (held.principals.get(str(body.get(name))) for name in ("principalId", "resourceId"))
    if principal is None or resource is None:
        raise Refusal(404, "Request_ResourceNotFound", "Resource does not exist.")
    if body.get("appRoleId") not in {role["id"] for role in resource["appRoles"]}:
        raise bad_request("Permission being assigned was not found on application.", "Request_BadRequest")
    pair = {"principalId": principal["id"], "resourceId": resource["id"], "appRoleId": body["appRoleId"]}
    if any(pair.items() <= one.items() for one in held.assignments.values()):
        raise bad_request("Permission being assigned already exists on the object.", "InvalidUpdate")
    made = {
        "id": str(uuid.uuid4()),
        "createdDateTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "principalDisplayName": principal["displayName"],
        "principalType": "ServicePrincipal",
        "resourceDisplayName": resource["displayName"],
        **pair,
    }
    held.assignments[made["id"]] = made
    return made


def publish(world: World, held: Objects, app_id: str) -> None:
    """Lets the sign-in service know an application as it is now, if it has a service principal."""
    principal = next((one for one in held.principals.values() if one["appId"] == app_id), None)
    application = next((one for one in held.applications.values() if one["appId"] == app_id), None)
    if principal is None or application is None:
        return
    app: App = world.apps.setdefault(app_id, App(app_id, frozenset()))
    app.roles = frozenset(_granted(held, principal["id"]))
    app.certificates = {}
    for key in application["keyCredentials"]:
        certificate = x509.load_der_x509_certificate(base64.b64decode(key["key"]))
        app.trust(certificate.public_bytes(Encoding.PEM))


def _granted(held: Objects, principal: str) -> list[str]:
    names = {role["id"]: role["value"] for one in held.principals.values() for role in one["appRoles"]}
    return [names[one["appRoleId"]] for one in held.assignments.values() if one["principalId"] == principal]


def _adopt(held: Objects, app: App) -> None:
    """Makes the objects of an application that sign-in knows already."""
    name = f"app {app.client_id[:8]}"
    keys = [_registered(one) for one in {id(one): one for one in app.certificates.values()}.values()]
    new_application(held, {"displayName": name, "keyCredentials": keys}, app.client_id)
    principal = _add_principal(held, app.client_id, name)
    graph = next(one for one in held.principals.values() if one["appId"] == GRAPH_APP)
    for role in graph["appRoles"]:
        if role["value"] in app.roles:
            pair = {"principalId": principal["id"], "resourceId": graph["id"], "appRoleId": role["id"]}
            new_assignment(held, pair)


def _registered(certificate: x509.Certificate) -> Json:
    der = certificate.public_bytes(Encoding.DER)
    key_id = str(uuid.uuid5(NAMES, hashlib.sha256(der).hexdigest()))
    key = base64.b64encode(der).decode()
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": key, "keyId": key_id}
