"""Applications, their service principals and their roles: every route once, as an administrator registers one."""

import base64

from bulkmail.identity.issue import key_credentials, new_key_pair
from bulkmail.sim.families.applications.content import objects
from tests.sim.walk import LIST, TEXT, TRUTH, Shape, Walk

APPLICATION: Shape = {"id": TEXT, "appId": TEXT, "displayName": TEXT, "keyCredentials": LIST, "createdDateTime": TEXT}
PRINCIPAL: Shape = {"id": TEXT, "appId": TEXT, "displayName": TEXT, "accountEnabled": TRUTH, "appRoles": LIST}
ASSIGNMENT: Shape = {"id": TEXT, "appRoleId": TEXT, "principalId": TEXT, "resourceId": TEXT}


async def walk_registration(walk: Walk) -> None:
    walk.base = ""
    objects(walk.desk.sim.world).lag = 0
    await walk.rows("/organization", {"id": TEXT, "displayName": TEXT, "verifiedDomains": LIST})
    pair = new_key_pair("CN=walk", key_size=2048)
    body = {"displayName": "walk", "keyCredentials": key_credentials([pair.certificate])}
    made = await walk.ask("POST", "/applications", body, status=201, shape=APPLICATION)
    assert made["keyCredentials"][0]["key"] is None
    place = f"/applications/{made['id']}"
    shown = await walk.ask("GET", f"{place}?$select=keyCredentials")
    assert base64.b64decode(shown["keyCredentials"][0]["key"]) == pair.certificate.der
    found = await walk.rows(f"/applications?$filter=appId%20eq%20'{made['appId']}'", APPLICATION)
    assert [one["id"] for one in found] == [made["id"]]
    await walk.ask("PATCH", place, {"tags": ["t"]}, status=204)
    assert (await walk.ask("GET", place, shape=APPLICATION))["tags"] == ["t"]


async def walk_roles(walk: Walk) -> None:
    """A new application is not known at once to the rest of the directory."""
    walk.base = ""
    objects(walk.desk.sim.world).lag = 2
    made = await walk.ask("POST", "/applications", {"displayName": "walk"}, status=201)
    named = {"appId": made["appId"]}
    assert (
        "valid application object"
        in (await walk.ask("POST", "/servicePrincipals", named, status=400))["error"]["message"]
    )
    await walk.ask("PATCH", f"/applications/{made['id']}", {"tags": []}, status=404)
    principal = await walk.ask("POST", "/servicePrincipals", named, status=201, shape=PRINCIPAL)
    await walk.ask("POST", "/servicePrincipals", named, status=409)
    await walk.ask("GET", f"/servicePrincipals/{principal['id']}", shape=PRINCIPAL)
    graph = "/servicePrincipals?$filter=appId%20eq%20'00000003-0000-0000-c000-000000000000'"
    resource = (await walk.rows(graph, PRINCIPAL))[0]
    role = next(one["id"] for one in resource["appRoles"] if one["value"] == "Mail.ReadWrite")
    place = f"/servicePrincipals/{principal['id']}/appRoleAssignments"
    wanted = {"principalId": principal["id"], "resourceId": resource["id"], "appRoleId": role}
    granted = await walk.ask("POST", place, wanted, status=201, shape=ASSIGNMENT)
    await walk.ask("POST", place, wanted, status=400)
    assert walk.desk.sim.entra.apps[made["appId"]].roles == {"Mail.ReadWrite"}
    await walk.rows(place, ASSIGNMENT)
    await walk.ask("DELETE", f"{place}/{granted['id']}", status=204)
    assert not walk.desk.sim.entra.apps[made["appId"]].roles


async def walk_what_is_refused(walk: Walk) -> None:
    walk.base = ""
    await walk.ask("POST", "/applications", {}, status=400)
    await walk.ask("POST", "/applications", {"displayName": "x", "keyCredentials": [{"key": "AAAA"}]}, status=400)
    await walk.ask("GET", "/applications/00000000-0000-4000-8000-000000000000", status=404)
    wrong = {"principalId": "x", "resourceId": "y", "appRoleId": "z"}
    principal = (await walk.rows("/servicePrincipals", PRINCIPAL))[0]
    await walk.ask("POST", f"/servicePrincipals/{principal['id']}/appRoleAssignments", wrong, status=404)


async def walk_an_application_that_was_registered_beside_the_directory(walk: Walk) -> None:
    walk.base = ""
    own = next(iter(walk.desk.sim.entra.apps))
    rows = await walk.rows(f"/servicePrincipals?$filter=appId%20eq%20'{own}'", PRINCIPAL)
    granted = await walk.rows(f"/servicePrincipals/{rows[0]['id']}/appRoleAssignments", ASSIGNMENT)
    assert len(granted) == len(walk.desk.sim.entra.apps[own].roles)


WALKS = (
    walk_registration,
    walk_roles,
    walk_what_is_refused,
    walk_an_application_that_was_registered_beside_the_directory,
)
