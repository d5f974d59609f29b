"""Who may see a calendar: each calendar by itself, only allowed roles, and what cannot be removed stays."""

from typing import Any

from bulkmail.sim.families.calendars.permissions import ROLES
from tests.sim.desk import Desk, rehearse

PATH = "/calendar/calendarPermissions"
INSIDE: dict[str, Any] = {"emailAddress": {"name": "Fern", "address": "fern@tenant.example"}}
OUTSIDE: dict[str, Any] = {"emailAddress": {"name": "Ada", "address": "ada@contoso.com"}}


def test_a_role_is_one_of_those_that_are_allowed() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}{PATH}"
        for grantee, most in ((INSIDE, ROLES - {"none", "custom"}), (OUTSIDE, {"freeBusyRead", "limitedRead", "read"})):
            for role in sorted(ROLES):
                reply = await desk.ask("POST", path, grantee | {"role": role})
                assert reply.status == (201 if role in most else 400), (grantee, role)
                if reply.status == 201:
                    assert set(reply.body["allowedRoles"]) == most
                    assert reply.body["isInsideOrganization"] == (grantee is INSIDE)
                    assert (await desk.ask("DELETE", f"{path}/{reply.body['id']}")).status == 204
        own = {"emailAddress": {"address": desk.sim.tenant.address(0).upper()}, "role": "read"}
        assert (await desk.ask("POST", path, own)).code == "ErrorInvalidRequest"
        everyone = (await desk.get(path)).body["value"][0]
        for role, status in (("none", 200), ("write", 200), ("custom", 400), ("owner", 400)):
            assert (await desk.ask("PATCH", f"{path}/{everyone['id']}", {"role": role})).status == status
        wrong: list[dict[str, Any]] = [{"role": "read", "isRemovable": True}, {}, {"emailAddress": {}}]
        for wish in wrong:
            assert (await desk.ask("PATCH", f"{path}/{everyone['id']}", wish)).code == "RequestBodyRead"

    rehearse(act)


def test_every_calendar_has_permissions_of_its_own() -> None:
    async def act(desk: Desk) -> None:
        made = (await desk.ask("POST", f"{desk.user()}/calendars", {"name": "Ours"})).body
        own = f"{desk.user()}/calendars/{made['id']}/calendarPermissions"
        (everyone,) = (await desk.get(own)).body["value"]
        assert (everyone["role"], everyone["emailAddress"]) == ("none", {"name": "My Organization"})
        before = (await desk.get(f"{desk.user()}{PATH}")).body["value"]
        added = (await desk.ask("POST", own, INSIDE | {"role": "read"})).body
        assert (await desk.ask("PATCH", f"{own}/{everyone['id']}", {"role": "read"})).status == 200
        assert (await desk.get(f"{desk.user()}{PATH}")).body["value"] == before
        assert (await desk.get(f"{desk.user()}{PATH}/{added['id']}")).status == 404
        assert (await desk.ask("DELETE", f"{desk.user()}/calendars/{made['id']}")).status == 204
        assert len(desk.sim.contents("permissions", desk.sim.tenant.address(0))) == len(before)

    rehearse(act)


def test_untouched_mailboxes_differ() -> None:
    async def act(desk: Desk) -> None:
        seen, calendars, shared = set(), 0, 0
        for number in range(100):
            for calendar in (await desk.get(f"{desk.user(number)}/calendars")).body["value"]:
                path = f"{desk.user(number)}/calendars/{calendar['id']}/calendarPermissions"
                rows = (await desk.get(path)).body["value"]
                seen |= {(row["role"], row["isInsideOrganization"]) for row in rows}
                calendars += not calendar["isDefaultCalendar"]
                if not calendar["canShare"]:
                    shared += 1
                    assert rows == []
                    assert (await desk.ask("POST", path, INSIDE | {"role": "read"})).code == "ErrorAccessDenied"
        assert {role for role, inside in seen if inside} == ROLES - {"delegateWithPrivateEventAccess"}
        assert {role for role, inside in seen if not inside} == {"limitedRead"}
        assert calendars > shared > 0

    rehearse(act)
