"""Users: every route, walked through once."""

from tests.sim.walk import LIST, MAYBE_TEXT, TEXT, Shape, Walk

USER: Shape = {"id": TEXT, "displayName": TEXT, "userPrincipalName": TEXT, "businessPhones": LIST, "mail": MAYBE_TEXT}


async def walk_users(walk: Walk) -> None:
    walk.base = ""
    users = await walk.rows("/users?$top=5", USER)
    await walk.ask("GET", f"/users/{users[0]['id']}", shape=USER)
    assert "@odata.nextLink" in await walk.ask("GET", "/users/delta", shape={"value": LIST})


WALKS = (walk_users,)
