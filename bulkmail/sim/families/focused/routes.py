"""Overrides by sender: a sender has one, so a second POST for it changes the first."""

from typing import Any
from uuid import uuid4

from bulkmail.sim.families.focused.content import CLASSES, override
from bulkmail.sim.families.focused.kind import OVERRIDE, READ, WRITE
from bulkmail.sim.graph.call import Answer, Call, bad_request
from bulkmail.sim.graph.items import create, delete, find, known, listing, one, patch
from bulkmail.sim.graph.table import Route
from bulkmail.sim.world import World

PROPERTIES: dict[str, Any] = {"classifyAs": "", "senderEmailAddress": {}}


def every(world: World, call: Call) -> Answer:
    return listing(world, call, OVERRIDE, OVERRIDE.of(world.mailboxes.read(call.user)))


def _kind(props: dict[str, Any]) -> str:
    if props.get("classifyAs") not in CLASSES:
        raise bad_request("Cannot convert the value of 'classifyAs' to its type.", "RequestBodyRead")
    return str(props["classifyAs"])


def add(world: World, call: Call) -> Answer:
    props = known(call.json(), PROPERTIES, "microsoft.graph.inferenceClassificationOverride")
    sender, kind = props.get("senderEmailAddress") or {}, _kind(props)
    address = sender.get("address") if isinstance(sender, dict) else None
    if not isinstance(address, str) or "@" not in address:
        raise bad_request("The sender's address is missing.", "ErrorInvalidRequest")
    store = OVERRIDE.of(world.mailboxes.write(call.user))
    there = store.first(lambda item: item.props["senderEmailAddress"]["address"].lower() == address.lower())
    if there is not None:
        return patch(world, call, OVERRIDE, there, {"classifyAs": kind})
    return create(world, call, OVERRIDE, override(str(uuid4()), address, kind, sender.get("name") or ""), 0)


def change(world: World, call: Call) -> Answer:
    props = known(call.json(), PROPERTIES, "microsoft.graph.inferenceClassificationOverride")
    return patch(world, call, OVERRIDE, find(world, call, OVERRIDE, call.keys[1]), {"classifyAs": _kind(props)})


def read(world: World, call: Call) -> Answer:
    return one(world, call, OVERRIDE, find(world, call, OVERRIDE, call.keys[1]))


def remove(world: World, call: Call) -> Answer:
    return delete(world, call, OVERRIDE, find(world, call, OVERRIDE, call.keys[1]))


PATH = "/users/{}/inferenceClassification/overrides"
ROUTES = (
    Route("GET", PATH, every, READ),
    Route("POST", PATH, add, WRITE),
    Route("GET", PATH + "/{}", read, READ),
    Route("PATCH", PATH + "/{}", change, WRITE),
    Route("DELETE", PATH + "/{}", remove, WRITE),
)
