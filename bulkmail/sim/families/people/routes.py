"""People around a user: listed by relevance, searched by name, read by id."""

from bulkmail.sim.families.people.content import people
from bulkmail.sim.families.people.kind import PERSON, READ
from bulkmail.sim.graph.call import Answer, Call, item_not_found
from bulkmail.sim.graph.items import context, page, shape
from bulkmail.sim.graph.table import Route
from bulkmail.sim.world import World


def listing(world: World, call: Call) -> Answer:
    rows = people(world, call.user)
    word = call.options.get("$search", "").strip('"').lower()
    if word:
        rows = [row for row in rows if word in f"{row['displayName']} {row['userPrincipalName']}".lower()]
    return page(world, call, PERSON, rows)


def read(world: World, call: Call) -> Answer:
    for row in people(world, call.user):
        if row["id"] == call.keys[1].lower():
            return Answer(200, context(world, call, PERSON.path, one=True) | shape(row, call))
    raise item_not_found()


ROUTES = (Route("GET", "/users/{}/people", listing, READ), Route("GET", "/users/{}/people/{}", read, READ))
