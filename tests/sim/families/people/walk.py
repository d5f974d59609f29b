"""People around a user: every route once, against the documented names, types and statuses."""

from tests.sim.walk import LIST, OBJECT, TEXT, Shape, Walk

PERSON: Shape = {"id": TEXT, "displayName": TEXT, "scoredEmailAddresses": LIST, "phones": LIST, "personType": OBJECT}
LISTS = {"/people": PERSON}  # what every untouched mailbox has, or may have


async def walk_people(walk: Walk) -> None:
    rows = await walk.rows("/people", PERSON)
    assert len(rows) == 10
    await walk.ask("GET", f"/people/{rows[0]['id']}", shape=PERSON)
    word = rows[0]["userPrincipalName"]
    assert (await walk.ask("GET", f'/people?$search="{word}"'))["value"] == rows[:1]
    await walk.ask("GET", "/people/nobody", status=404)


WALKS = (walk_people,)
