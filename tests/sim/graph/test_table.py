"""Longer ways lead where shorter ones do, a listing can be counted, and what is elsewhere is refused as Graph does."""

import pytest

from tests.sim.desk import Desk, rehearse


def test_a_longer_way_leads_where_the_shorter_one_does() -> None:
    async def act(desk: Desk) -> None:
        user = desk.user()
        outer = (await desk.ask("POST", f"{user}/mailFolders", {"displayName": "Outer"})).body["id"]
        inner = outer
        for depth in range(3):
            path = f"{user}/mailFolders/{inner}/childFolders"
            inner = (await desk.ask("POST", path, {"displayName": f"Inner {depth}"})).body["id"]
        deep = f"{user}/mailFolders/{outer}/childFolders/{outer}/childFolders/{inner}"
        assert (await desk.get(deep)).body["displayName"] == "Inner 2"
        made = (await desk.ask("POST", f"{deep}/messages", {"subject": "Deep"})).body["id"]
        assert (await desk.get(f"{user}/messages/{made}")).body["parentFolderId"] == inner
        assert [row["id"] for row in (await desk.get(f"{deep}/messages")).body["value"]] == [made]
        folder = (await desk.ask("POST", f"{user}/contactFolders", {"displayName": "Ours"})).body["id"]
        below = f"{user}/contactFolders/contacts/childFolders/{folder}"
        assert (await desk.ask("POST", f"{below}/contacts", {"givenName": "Fern"})).status == 201
        assert (await desk.ask("DELETE", below)).status == 204

    assert not rehearse(act)["lacking"]


@pytest.mark.parametrize("path", ["/messages", "/mailFolders/inbox/messages", "/mailFolders", "/events", "/calendars"])
def test_a_listing_is_counted(path: str) -> None:
    async def act(desk: Desk) -> None:
        for number in range(5):
            counted = await desk.get(f"{desk.user(number)}{path}/$count")
            rows = await desk.pages(f"{desk.user(number)}{path}?$top=50")
            assert (counted.status, counted.headers["Content-Type"]) == (200, "text/plain")
            assert int(counted.content) == len(rows)
        refused = await desk.get(f"{desk.user()}/mailboxSettings/$count")
        assert (refused.status, refused.code) == (400, "BadRequest")

    rehearse(act)


def test_nothing_is_made_below_a_count() -> None:
    async def act(desk: Desk) -> None:
        user = desk.user()
        assert (await desk.ask("POST", f"{user}/messages/$count", {"subject": "x"})).status >= 400
        assert (await desk.ask("PATCH", f"{user}/mailboxSettings/$count", {"timeZone": "UTC"})).status >= 400

    assert rehearse(act)["effects"]["total"] == 0


def test_users_are_counted_only_where_it_may_be_a_little_late() -> None:
    async def act(desk: Desk) -> None:
        assert (await desk.get("/users/$count")).status == 400
        assert int((await desk.get("/users/$count", ConsistencyLevel="eventual")).content) == 200

    rehearse(act)


@pytest.mark.parametrize("path", ["onenote/notebooks", "drive/root", "joinedTeams", "todo/lists", "settings/windows"])
def test_other_services_are_closed_to_an_application_without_their_roles(path: str) -> None:
    async def act(desk: Desk) -> None:
        reply = await desk.get(f"{desk.user()}/{path}")
        assert (reply.status, reply.code) == (403, "Authorization_RequestDenied")

    assert not rehearse(act)["lacking"]


def test_what_graph_does_not_have_is_told() -> None:
    async def act(desk: Desk) -> None:
        reply = await desk.get(f"{desk.user()}/noSuchThing")
        assert (reply.status, reply.code) == (400, "BadRequest")

    assert rehearse(act)["lacking"] == {"GET /noSuchThing": 1}
