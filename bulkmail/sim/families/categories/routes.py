"""The master list of categories: names are unique and never change, colours may."""

import re
from uuid import uuid4

from bulkmail.sim.families.categories.kind import CATEGORY, READ, WRITE
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request
from bulkmail.sim.graph.items import create, delete, find, known, listing, one, patch
from bulkmail.sim.graph.table import Route
from bulkmail.sim.world import World

_COLOUR = re.compile(r"none|preset(1?\d|2[0-4])", re.IGNORECASE)


def all_categories(world: World, call: Call) -> Answer:
    return listing(world, call, CATEGORY, CATEGORY.of(world.mailboxes.read(call.user)))


def read(world: World, call: Call) -> Answer:
    return one(world, call, CATEGORY, find(world, call, CATEGORY, call.keys[1]))


def add(world: World, call: Call) -> Answer:
    props = _checked(call.json(), "displayName", "color")
    name = props.get("displayName")
    if not isinstance(name, str) or not name:
        raise bad_request("A category needs a displayName.", "ErrorInvalidRequest")
    others = CATEGORY.of(world.mailboxes.read(call.user))
    if others.first(lambda item: item.props["displayName"].lower() == name.lower()):
        raise Refusal(409, "ErrorCategoryNameAlreadyExists", "A category with this name already exists.")
    return create(world, call, CATEGORY, {"id": str(uuid4()), "color": "none"} | props, 0)


def change(world: World, call: Call) -> Answer:
    return patch(world, call, CATEGORY, find(world, call, CATEGORY, call.keys[1]), _checked(call.json(), "color"))


def remove(world: World, call: Call) -> Answer:
    return delete(world, call, CATEGORY, find(world, call, CATEGORY, call.keys[1]))


def _checked(body: Json, *allowed: str) -> Json:
    props = known(body, dict.fromkeys(allowed, ""), "microsoft.graph.outlookCategory")
    if not _COLOUR.fullmatch(str(props.get("color", "none"))):
        raise bad_request("Cannot convert the value of 'color' to its type.", "RequestBodyRead")
    return props


PATH = "/users/{}/outlook/masterCategories"
ROUTES = (
    Route("GET", PATH, all_categories, READ),
    Route("POST", PATH, add, WRITE),
    Route("GET", PATH + "/{}", read, READ),
    Route("PATCH", PATH + "/{}", change, WRITE),
    Route("DELETE", PATH + "/{}", remove, WRITE),
)
