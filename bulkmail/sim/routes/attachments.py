"""Attachments of messages: computed for messages that came with one, kept for those that the API gave one."""

import base64

from bulkmail.sim.call import Answer, Call, Json, item_not_found
from bulkmail.sim.ids import ATTACHMENT, item_id
from bulkmail.sim.routes.enclosures import attachment, enclosure
from bulkmail.sim.routes.items import Kind, context, find, page, shape, whole
from bulkmail.sim.routes.messages import READ, WRITE, message_of
from bulkmail.sim.routes.table import Route
from bulkmail.sim.shelf import Item
from bulkmail.sim.world import World

KIND = Kind("attachments", "attachments", "#microsoft.graph.fileAttachment", versioned=False)
COMPUTED = 1 << 31  # numbers from here on are of attachments that are not kept


def _rows(world: World, call: Call, message: Item) -> list[Json]:
    shelf = world.mailboxes.read(call.user).attachments
    kept = [whole(KIND, shelf, item) for item in shelf if item.parent == message.number]
    if kept or not message.props["hasAttachments"]:
        return kept
    return [_computed(call.user, message)]


def _computed(user: int, message: Item) -> Json:
    content = b"name;amount\n=1+1;@SUM(A1)\n" * (1 + message.number % 5)
    return {"id": item_id(user, ATTACHMENT, COMPUTED | message.number)} | attachment(
        {"name": f"list {message.number}.csv", "contentType": "text/csv"}, content, message.props["receivedDateTime"]
    )


def listing(world: World, call: Call) -> Answer:
    return page(world, call, KIND, _rows(world, call, message_of(world, call)), "messages/attachments")


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
    mailbox.messages.change(message, {"hasAttachments": True})
    item = mailbox.attachments.add(props, message.number)
    row = whole(KIND, mailbox.attachments, item)
    return Answer(201, context(world, call, "messages/attachments", one=True) | row)


def remove(world: World, call: Call) -> Answer:
    mailbox = world.mailboxes.write(call.user)
    message = message_of(world, call)
    row = _find(world, call)
    if mailbox.attachments.find(row["id"]) is not None:
        mailbox.attachments.remove(find(world, call, KIND, row["id"]))
    left = any(item.parent == message.number for item in mailbox.attachments)
    mailbox.messages.change(message, {"hasAttachments": left})
    return Answer(204)


PATH = "/users/{}/messages/{}/attachments"
ROUTES = (
    Route("GET", PATH, listing, READ),
    Route("POST", PATH, add, WRITE),
    Route("GET", PATH + "/{}", read, READ),
    Route("GET", PATH + "/{}/$value", raw, READ),
    Route("DELETE", PATH + "/{}", remove, WRITE),
)
