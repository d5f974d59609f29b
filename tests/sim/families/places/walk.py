"""Rooms and room lists: every route once, against the documented names, types and statuses."""

from tests.sim.walk import MAYBE_TEXT, NUMBER, OBJECT, TEXT, TRUTH, Shape, Walk

PLACE: Shape = {"id": TEXT, "displayName": TEXT, "emailAddress": TEXT, "address": OBJECT, "phone": MAYBE_TEXT}
ROOM: Shape = PLACE | {"capacity": NUMBER, "bookingType": TEXT, "isWheelChairAccessible": TRUTH}


async def walk_places(walk: Walk) -> None:
    walk.base = ""
    tenant = walk.desk.sim.tenant
    rows = await walk.desk.pages("/places/microsoft.graph.room?$top=3")
    assert [row["id"] for row in rows] == [
        tenant.guid(number) for number in range(tenant.size) if tenant.purpose(number) == "room"
    ]
    assert await walk.rows("/places/microsoft.graph.room", ROOM) == rows
    lists = await walk.rows("/places/microsoft.graph.roomlist", PLACE)
    inside = []
    for place in lists:
        own = f"/places/{place['emailAddress']}"
        inside += (await walk.ask("GET", f"{own}/microsoft.graph.roomlist/rooms"))["value"]
        assert (await walk.ask("GET", f"/places/{place['id']}"))["@odata.type"] == "#microsoft.graph.roomList"
    assert {row["id"] for row in inside} == {row["id"] for row in rows}
    await walk.ask("GET", f"/places/{rows[0]['emailAddress']}", shape=ROOM)
    nobody = next(tenant.guid(number) for number in range(tenant.size) if tenant.purpose(number) == "user")
    for text in (nobody, "nowhere@tenant.example"):
        await walk.ask("GET", f"/places/{text}", status=404)
    await walk.ask("GET", "/places/nowhere/microsoft.graph.roomlist/rooms", status=404)


WALKS = (walk_places,)
