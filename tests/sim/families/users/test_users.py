"""Pages, filters, deltas and costs of the directory."""

from tests.sim.desk import Desk, rehearse


def test_users_are_paged_without_loss() -> None:
    async def act(desk: Desk) -> None:
        everybody = [desk.sim.tenant.guid(n) for n in range(200)]
        for top in (1, 37, 200, 999):
            rows = await desk.pages(f"/users?$top={top}&$select=id")
            assert [row["id"] for row in rows] == everybody
        assert (await desk.get("/users?$top=1000")).status == 400
        assert len((await desk.get("/users")).body["value"]) == 100
        assert (await desk.get("/users?$skiptoken=stale")).code == "Directory_ExpiredPageToken"

    rehearse(act)


def test_filters_on_users_follow_the_rules_of_advanced_queries() -> None:
    async def act(desk: Desk) -> None:
        everybody = {row["id"] for row in await desk.pages("/users")}
        path = "/users?$select=id&$filter="
        on = {row["id"] for row in await desk.pages(f"{path}accountEnabled%20eq%20true")}
        off = {row["id"] for row in await desk.pages(f"{path}accountEnabled%20eq%20false")}
        assert on | off == everybody
        assert on
        assert off
        assert not on & off
        some = everybody.pop()
        assert await desk.pages(f"{path}id%20eq%20'{some}'") == [{"id": some}]
        refused = await desk.get(f"{path}mail%20ne%20null")
        assert (refused.status, refused.code) == (400, "Request_UnsupportedQuery")
        counted = f"{path}mail%20ne%20null&$count=true&$top=50"
        page = (await desk.get(counted, ConsistencyLevel="eventual")).body
        rows = await desk.pages(counted, ConsistencyLevel="eventual")
        assert page["@odata.count"] == len(rows) > 150
        assert (await desk.get(page["@odata.nextLink"])).status == 400

    rehearse(act)


def test_directory_answers_tell_their_cost() -> None:
    async def act(desk: Desk) -> None:
        assert (await desk.get("/users")).headers["x-ms-resource-unit"] == "2"
        assert (await desk.get("/users?$select=id")).headers["x-ms-resource-unit"] == "1"
        group = desk.sim.world.groups.ids[0]
        assert (await desk.get(f"/groups/{group}/transitiveMembers")).headers["x-ms-resource-unit"] == "5"
        await desk.control(limits={"units": 0.001})
        refused = await desk.get("/users")
        assert refused.status == 429
        assert refused.headers["x-ms-throttle-scope"].startswith("Tenant_Application/ReadWrite/")
        assert refused.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"

    rehearse(act)


def test_user_deltas_tell_who_was_removed() -> None:
    async def act(desk: Desk) -> None:
        link = "/users/delta"
        seen = []
        while True:
            body = (await desk.get(link)).body
            seen += body["value"]
            if "@odata.deltaLink" in body:
                break
            link = body["@odata.nextLink"]
        assert len(seen) == 200
        assert (await desk.get(body["@odata.deltaLink"])).body["value"] == []
        await desk.control(remove_users=[desk.sim.tenant.address(3)], touch_users=[desk.sim.tenant.address(4)])
        changed = (await desk.get(body["@odata.deltaLink"])).body["value"]
        assert {"id": desk.sim.tenant.guid(3), "@removed": {"reason": "changed"}} in changed
        assert desk.sim.tenant.guid(4) in [row["id"] for row in changed]

    rehearse(act)
