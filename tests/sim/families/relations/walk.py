"""Relations of a user: every route once, against the documented names, types and statuses."""

from tests.sim.walk import LIST, TEXT, Shape, Walk

GROUP: Shape = {"id": TEXT, "displayName": TEXT, "@odata.type": TEXT}
USER: Shape = {"id": TEXT, "userPrincipalName": TEXT, "@odata.type": TEXT}
LICENCE: Shape = {"id": TEXT, "skuId": TEXT, "skuPartNumber": TEXT, "servicePlans": LIST}


async def walk_relations(walk: Walk) -> None:
    groups = await walk.rows("/memberOf", GROUP)
    assert [row["displayName"] for row in groups] == ["Everyone", "Quay 2"]
    assert len(await walk.rows("/transitiveMemberOf", GROUP)) == len(groups) + 1
    for path in ("/memberOf", "/transitiveMemberOf"):
        for prefix in ("microsoft.graph.", "graph."):
            assert all("@odata.type" not in row for row in await walk.rows(f"{path}/{prefix}group", {"id": TEXT}))
            for cast in ("directoryRole", "administrativeUnit"):
                assert (await walk.ask("GET", f"{path}/{prefix}{cast}"))["value"] == []
        assert (await walk.ask("GET", f"{path}/{groups[0]['id']}", shape=GROUP))["id"] == groups[0]["id"]
        await walk.ask("GET", f"{path}/{walk.desk.sim.tenant.guid(0)}", status=404)
    ids = (await walk.ask("POST", "/getMemberGroups", {"securityEnabledOnly": False}))["value"]
    assert {row["id"] for row in groups} < set(ids)
    await walk.ask("POST", "/getMemberGroups", {}, status=400)
    await walk.ask("GET", "/manager", status=404)
    (report, *_) = await walk.rows("/directReports", USER)
    for prefix in ("microsoft.graph.", "graph."):
        assert report in await walk.rows(f"/directReports/{prefix}user", USER)
        assert (await walk.ask("GET", f"/directReports/{prefix}orgContact"))["value"] == []
    assert (await walk.ask("GET", f"/directReports/{report['id']}", shape=USER))["id"] == report["id"]
    await walk.ask("GET", f"/directReports/{walk.desk.sim.tenant.guid(0)}", status=404)
    walk.base = f"/users/{report['id']}"
    boss = await walk.ask("GET", "/manager?$select=userPrincipalName")
    assert boss["userPrincipalName"] == walk.desk.sim.tenant.address(0)
    for number in range(20):
        walk.base = walk.desk.user(number)
        body = await walk.ask("GET", "/licenseDetails", shape={"value": LIST})
        for row in body["value"]:
            assert row.keys() == LICENCE.keys()
    walk.base = "/users/nobody@tenant.example"
    await walk.ask("GET", "/memberOf", status=404)


WALKS = (walk_relations,)
