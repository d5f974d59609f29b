"""Messages one by one: read, as MIME, moved, copied, deleted in the two ways, and followed by delta."""

import re
from email.message import EmailMessage

from bulkmail.sim.families.folders.content import DELETED, RECOVERABLE
from bulkmail.sim.families.folders.routes import destination, folder_of
from bulkmail.sim.families.messages.kind import BASIC, MESSAGE, READ, WRITE
from bulkmail.sim.families.messages.listing import all_messages, in_folder
from bulkmail.sim.families.messages.restrictions import check_delta
from bulkmail.sim.families.messages.shown import shown
from bulkmail.sim.graph.call import Answer, Call, Json, item_not_found
from bulkmail.sim.graph.delta import delta
from bulkmail.sim.graph.items import context, create, find, immutable, one, shape, whole
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.witness.marks import key_of
from bulkmail.sim.world import World


def message_of(world: World, call: Call) -> Item:
    """The message that the path names; below a folder's path it must be in that folder."""
    inside = "/mailFolders/" in call.pattern
    item = find(world, call, MESSAGE, call.keys[2 if inside else 1])
    if inside and item.parent != folder_of(world, call, call.keys[1]).number:
        raise item_not_found()
    call.key = key_of(item.props)
    return item


def read(world: World, call: Call) -> Answer:
    item, store = message_of(world, call), MESSAGE.of(world.mailboxes.read(call.user))
    row = shown(whole(MESSAGE, store, item, immutable=immutable(call)), call)
    return Answer(200, context(world, call, MESSAGE.path, one=True) | shape(row, call))


def mime(world: World, call: Call) -> Answer:
    props = message_of(world, call).props
    letter = EmailMessage()
    letter["Subject"] = re.sub(r"[\r\n]+", " ", props["subject"] or "")
    letter["Message-ID"] = re.sub(r"[^!-~]", "", props["internetMessageId"] or "")
    letter.set_content(props["body"]["content"])
    return Answer(200, letter.as_bytes(), {"Content-Type": "message/rfc822"})


def remove(world: World, call: Call) -> Answer:
    """Into Deleted Items, or from there into the recoverable ones."""
    item = message_of(world, call)
    target = RECOVERABLE if item.parent in {DELETED, RECOVERABLE} else DELETED
    MESSAGE.of(world.mailboxes.write(call.user)).move(item, target)
    return Answer(204)


def purge(world: World, call: Call) -> Answer:
    MESSAGE.of(world.mailboxes.write(call.user)).remove(message_of(world, call))
    return Answer(204)


def move(world: World, call: Call) -> Answer:
    item, target = message_of(world, call), destination(world, call)
    MESSAGE.of(world.mailboxes.write(call.user)).move(item, target.number)
    return one(world, call, MESSAGE, item, 201)


def copy(world: World, call: Call) -> Answer:
    item, target = message_of(world, call), destination(world, call)
    return create(world, call, MESSAGE, dict(item.props), target.number)


def changes(world: World, call: Call) -> Answer:
    check_delta(call)
    folder, store, fixed = (
        folder_of(world, call, call.keys[1]),
        MESSAGE.of(world.mailboxes.read(call.user)),
        immutable(call),
    )

    def row(item: Item) -> Json:
        return shown(whole(MESSAGE, store, item, immutable=fixed), call)

    return delta(world, call, MESSAGE, folder.number, lambda item: item.due <= call.now, row, fickle=True)


FOLDERS = "/users/{}/mailFolders/{}/messages"
LISTS = (
    Route("GET", "/users/{}/messages", all_messages, BASIC),
    Route("GET", FOLDERS, in_folder, BASIC),
    Route("GET", FOLDERS + "/delta", changes, BASIC),
)
ROUTES = LISTS + tuple(
    Route(method, path + end, work, rights)
    for path in ("/users/{}/messages/{}", FOLDERS + "/{}")
    for method, end, work, rights in (
        ("GET", "", read, BASIC),
        ("GET", "/$value", mime, READ),
        ("DELETE", "", remove, WRITE),
        ("POST", "/move", move, WRITE),
        ("POST", "/copy", copy, WRITE),
        ("POST", "/permanentDelete", purge, WRITE),
    )
)
