"""Attachments of messages: computed for messages that came with one, kept for those that the API gave one."""

import base64

from bulkmail.sim.families.messages.enclosures import attachment, enclosure
from bulkmail.sim.families.messages.kind import ATTACHMENT, MESSAGE, READ, WRITE
from bulkmail.sim.families.messages.reading import message_of
from bulkmail.sim.graph.call import Answer, Call, Json, item_not_found
from bulkmail.sim.graph.items import context, find, page, shape, whole
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World

COMPUTED = 1 << 31  # numbers from here on are of attachments that are not kept


def _rows(world: World, call: Call, message: Item) -> list[Json]:
    store = ATTACHMENT.of(world.mailboxes.read(call.user))
    kept = [whole(ATTACHMENT, store, item) for item in store if item.parent == message.number]
    if kept or not message.props["hasAttachments"]:
        return kept
    return [_computed(call.user, message)]


def _computed(user: int, message: Item) -> Json:
    content = b"name;amount\n=1+1;@SUM(A1)\n" * (1 + message.number % 5)
    return {"id": ATTACHMENT.id(user, COMPUTED | message.number)} | attachment(
        {"name": f"list {message.number}.csv", "contentType": "text/csv"}, content, message.props["receivedDateTime"]
    )


def listing(world: World, call: Call) -> Answer:
    return page(world, call, ATTACHMENT, _rows(world, call, message_of(world, call)), "messages/attachments")


def _find(world: World, call: Call) -> Json:
    rows = {row["id"]: row for row in _rows(world, call, message_of(world, call))}
    if call.keys[-1] not in rows:
        raise item_not_found()
    return rows[call.keys[-1]]


def read(world: World, call: Call) -> Answer:
    return Answer(200, context(world, call, "messages/attachments", one=True) | shape(_find(world, call), call))


def raw(world: World, call: Call) -> Answer:
    row = _find(world, call)
    return Answer(200, base64.b64decode(row["contentBytes"]), {"Content-Type": row["contentType"]})


def add(world: World, call: Call) -> Answer:
    message, props = message_of(world, call), enclosure(call.json())
    mailbox = world.mailboxes.write(call.user)
    MESSAGE.of(mailbox).change(message, {"hasAttachments": True})
    store = ATTACHMENT.of(mailbox)
    row = whole(ATTACHMENT, store, store.add(props, message.number))
    return Answer(201, context(world, call, "messages/attachments", one=True) | row)


def remove(world: World, call: Call) -> Answer:
    mailbox = world.mailboxes.write(call.user)
    message = message_of(world, call)
    row, store = _find(world, call), ATTACHMENT.of(mailbox)
    if store.find(row["id"]) is not None:
        store.remove(find(world, call, ATTACHMENT, row["id"]))
    left = any(item.parent == message.number for item in store)
    MESSAGE.of(mailbox).change(message, {"hasAttachments": left})
    return Answer(204)


PATH = "/users/{}/messages/{}/attachments"
ROUTES = (
    Route("GET", PATH, listing, READ),
    Route("POST", PATH, add, WRITE),
    Route("GET", PATH + "/{}", read, READ),
    Route("GET", PATH + "/{}/$value", raw, READ),
    Route("DELETE", PATH + "/{}", remove, WRITE),
)
