"""Groups and their members: every route, walked through once."""

from tests.sim.families.users.walk import USER
from tests.sim.walk import TEXT, Walk

SAMPLES = {"group-members-list": "GET /groups/{}/members"}  # the documented body -> ours


async def walk_groups(walk: Walk) -> None:
    walk.base = ""
    groups = await walk.rows("/groups", {"id": TEXT, "displayName": TEXT})
    await walk.ask("GET", f"/groups/{groups[0]['id']}", shape={"id": TEXT})
    for path in ("members", "transitiveMembers"):
        await walk.rows(f"/groups/{groups[0]['id']}/{path}", {"@odata.type": TEXT} | USER)
        await walk.rows(f"/groups/{groups[0]['id']}/{path}/microsoft.graph.user", USER)


WALKS = (walk_groups,)
