"""The books and the wishes of `/_control`; the addresses that take no token; rights and scopes."""

import pytest

from bulkmail.identity.issue import new_key_pair
from bulkmail.sim import Limits
from tests.sim.desk import CLIENT, Desk, rehearse, sign_in


def test_wishes_change_a_rehearsal_that_is_running() -> None:
    async def act(desk: Desk) -> None:
        settings = f"{desk.user()}/mailboxSettings"
        reply = await desk.control(limits={"rate": 1.0, "burst": 1, "form": "decimal"}, latency=0.01)
        assert reply.status == 200
        assert {(await desk.get(settings)).status for _ in range(2)} == {200, 429}
        await desk.control(limits={"rate": 0.0}, faults=["status:status=418", {"kind": "lost", "match": "never"}])
        assert (await desk.get(settings)).status == 418
        await desk.control(faults=[], expire=True, expires_in="soon")
        assert (await desk.get(settings)).status == 401
        _, token = await sign_in(desk.sim, desk.session)
        assert token["expires_in"] == "soon"
        desk.token = token["access_token"]
        await desk.control(apps={CLIENT: {"enabled": False}}, trouble=90033, remove_users=[desk.sim.tenant.address(5)])
        assert (await sign_in(desk.sim, desk.session))[0] == 503
        assert (await desk.get(desk.user(5))).code == "Request_ResourceNotFound"

    rehearse(act)


def test_a_certificate_is_uploaded_while_it_runs() -> None:
    async def act(desk: Desk) -> None:
        pair = new_key_pair("CN=next", days=9, key_size=2048)
        before = len(desk.sim.entra.apps[CLIENT].certificates)
        assert (await desk.control(apps={CLIENT: {"certificate": pair.certificate.pem}})).status == 200
        assert len(desk.sim.entra.apps[CLIENT].certificates) == before + 2  # it is known by two thumbprints
        assert (await desk.control(apps={CLIENT: {"certificate": "no certificate"}})).status == 400

    rehearse(act)


@pytest.mark.parametrize(
    "wishes",
    [{"unknown": 1}, {"limits": {"speed": 1}}, {"limits": {"concurrency": 0}}, {"faults": ["los"]}, {"latency": -1},
     {"trouble": 1}, {"apps": {"nobody": {}}}, {"remove_users": ["nobody@tenant.example"]}, {"latency": "fast"}],
)  # fmt: skip
def test_wrong_wishes_are_refused(wishes: dict[str, object]) -> None:
    async def act(desk: Desk) -> None:
        assert (await desk.control(**wishes)).status == 400
        assert desk.sim.world.throttle.limits == Limits()

    rehearse(act)


def test_a_page_in_a_browser_cannot_send_wishes() -> None:
    async def act(desk: Desk) -> None:
        async with desk.session.post(f"{desk.sim.graph_url}/_control", data='{"expire": true}') as response:
            assert response.status == 415
        assert (await desk.get("/users?$top=1")).status == 200

    rehearse(act)


def test_the_books_are_open_to_all_and_hold_no_token() -> None:
    async def act(desk: Desk) -> None:
        await desk.ask("POST", f"{desk.user()}/contacts", {"displayName": "twice"})
        await desk.ask("POST", f"{desk.user()}/contacts", {"displayName": "twice"})
        async with desk.session.get(f"{desk.sim.graph_url}/_books?effects=all") as response:
            text, books = await response.text(), await response.json()
        assert books["effects"]["repeated"] == {"0 POST /users/{}/contacts twice": 2}
        assert books["routes"]["POST /users/{}/contacts"] == {"201": 2}
        assert desk.token not in text

    rehearse(act)


def test_pre_authenticated_addresses_take_no_token() -> None:
    async def act(desk: Desk) -> None:
        report = await desk.get("/reports/getMailboxUsageDetail(period='D30')")
        assert (await desk.get(report.headers["Location"])).status == 401
        async with desk.session.get(report.headers["Location"]) as response:
            assert response.status == 200
        async with desk.session.get(f"{desk.sim.signed_url}/_reports/guess") as response:
            assert response.status == 404
        async with desk.session.post(f"{desk.sim.signed_url}/_import?authtoken=guess", json={}) as response:
            assert response.status == 401

    assert rehearse(act)["links_leaked"] == 1


def test_roles_are_enforced_for_each_route() -> None:
    async def act(desk: Desk) -> None:
        assert (await desk.get(f"{desk.user()}/mailboxSettings")).status == 200
        denied = await desk.ask("PATCH", f"{desk.user()}/mailboxSettings", {"timeZone": "UTC"})
        assert (denied.status, denied.code) == (403, "ErrorAccessDenied")
        assert (await desk.get("/groups")).code == "Authorization_RequestDenied"
        assert (await desk.get(f"{desk.user()}/messages")).status == 403

    rehearse(act, roles=("MailboxSettings.Read",))


def test_properties_beyond_the_basic_ones_come_back_null() -> None:
    async def act(desk: Desk) -> None:
        rows = (await desk.get("/users?$select=id,mail,accountEnabled&$top=50")).body["value"]
        assert all(row["id"] and row["accountEnabled"] is None for row in rows)

    rehearse(act, roles=("User.ReadBasic.All",))


def test_scoped_roles_are_good_for_their_group_and_not_in_the_token() -> None:
    async def act(desk: Desk) -> None:
        groups = desk.sim.world.groups
        inside = next(groups.users(5, transitive=True))
        desk.sim.register(CLIENT, secret="s", scoped_roles=["Mail.Read"], scope=groups.ids[5])
        desk.token = (await sign_in(desk.sim, desk.session, client_secret="s"))[1]["access_token"]
        assert (await desk.get(f"{desk.user(inside)}/messages")).status == 200
        assert (await desk.get(f"{desk.user(inside + 1)}/messages")).code == "ErrorAccessDenied"

    rehearse(act)


def test_what_the_simulator_lacks_is_answered_as_graph_would_and_noted() -> None:
    async def act(desk: Desk) -> None:
        reply = await desk.get(f"{desk.user()}/letters")
        assert (reply.status, reply.code) == (400, "BadRequest")
        assert "Resource not found for the segment 'letters'" in reply.body["error"]["message"]
        assert (await desk.ask("PUT", f"{desk.user()}/messages")).status == 405

    assert rehearse(act)["lacking"] == {"GET /letters": 1, "PUT /messages": 1}
