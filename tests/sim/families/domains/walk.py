"""Domains of the tenant: every route once, against the documented names, types and statuses."""

from tests.sim.walk import LIST, TEXT, TRUTH, Shape, Walk

DOMAIN: Shape = {"id": TEXT, "isDefault": TRUTH, "isInitial": TRUTH, "isVerified": TRUTH, "supportedServices": LIST}


async def walk_domains(walk: Walk) -> None:
    walk.base = ""
    rows = await walk.rows("/domains", DOMAIN)
    assert [row["isDefault"] for row in rows] == [True, False, False]
    assert [row["isVerified"] for row in rows] == [True, True, False]
    assert await walk.rows("/domains?$select=id", {"id": TEXT}) == [{"id": row["id"]} for row in rows]


WALKS = (walk_domains,)
