"""Attachments of messages: listed, read, streamed from any byte on, added and taken away.

Those that came with a message are computed; they are kept once one of them is taken away, or another is added.
"""

import base64
import re

from bulkmail.sim.families.messages.attached import attached, content
from bulkmail.sim.families.messages.enclosures import FILE, enclosure
from bulkmail.sim.families.messages.kind import ATTACHMENT, MESSAGE, READ, WRITE
from bulkmail.sim.families.messages.reading import FOLDERS, message_of
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request, item_not_found
from bulkmail.sim.graph.items import context, page, shape, whole
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World

CAST = "microsoft.graph.fileattachment/"
OWN = frozenset({"contentbytes", "contentid", "contentlocation"})
"""Properties of files alone, in lower case: $select knows them behind the cast to files."""

_RANGE = re.compile(r"bytes=(\d{1,15})-")
PLACE = "messages/attachments"
KEPT = "attachments kept"
"""The name under which a mailbox has the numbers of messages of which no attachment is computed any more."""


def _items(world: World, call: Call, message: Item) -> list[Item]:
    mailbox = world.mailboxes.read(call.user)
    kept = [item for item in ATTACHMENT.of(mailbox) if item.parent == message.number]
    if kept or not message.props["hasAttachments"] or str(message.number) in mailbox.objects.get(KEPT, {}):
        return kept
    return list(attached(world, call.user, message))


def keep(world: World, call: Call, message: Item) -> None:
    """From now on the attachments of a message are those that are kept."""
    mailbox = world.mailboxes.write(call.user)
    store = ATTACHMENT.of(mailbox)
    for item in _items(world, call, message):
        store.items.setdefault(item.number, item)
    mailbox.objects.setdefault(KEPT, {})[str(message.number)] = True


def settle(world: World, call: Call, message: Item) -> None:
    """Says of a message whether it has attachments; pictures in the text do not count."""
    mailbox = world.mailboxes.write(call.user)
    left = [item for item in ATTACHMENT.of(mailbox) if item.parent == message.number]
    MESSAGE.of(mailbox).change(message, {"hasAttachments": any(not item.props["isInline"] for item in left)})


def _row(world: World, call: Call, item: Item) -> Json:
    row = whole(ATTACHMENT, ATTACHMENT.of(world.mailboxes.read(call.user)), item)
    if row["@odata.type"] == FILE and "$select" not in call.options and "contentBytes" not in row:
        row["contentBytes"] = base64.b64encode(content(call.user, item) or b"").decode()
        row["@odata.mediaContentType"] = row["contentType"]
    return row


def _checked(call: Call) -> Call:
    """The call with the cast taken off its $select. Raises Refusal for a property that is only known behind it."""
    names = [name.strip() for name in call.options.get("$select", "").split(",") if name.strip()]
    for name in names:
        if name.lower() in OWN:
            text = f"Could not find a property named '{name}' on type 'microsoft.graph.attachment'."
            raise bad_request(text, "RequestBroker--ParseUri")
    if names:
        bare = ",".join(name[len(CAST) :] if name.lower().startswith(CAST) else name for name in names)
        call.options = {**call.options, "$select": bare}
    return call


def listing(world: World, call: Call) -> Answer:
    asked = call.options
    _checked(call)
    items = _items(world, call, message_of(world, call))
    answer = page(world, call, ATTACHMENT, items, PLACE, lambda item: _row(world, call, item))
    if "@odata.nextLink" in answer.body:
        skip = answer.body["@odata.nextLink"].rpartition("skip=")[2].partition("&")[0]
        answer.body["@odata.nextLink"] = call.link({**asked, "$skip": skip})
    return answer


def _find(world: World, call: Call) -> Item:
    store = ATTACHMENT.of(world.mailboxes.read(call.user))
    for item in _items(world, call, message_of(world, call)):
        if store.id_of(item) == call.keys[-1]:
            return item
    raise item_not_found()


def read(world: World, call: Call) -> Answer:
    row = _row(world, _checked(call), _find(world, call))
    return Answer(200, context(world, call, PLACE, one=True) | shape(row, call))


def raw(world: World, call: Call) -> Answer:
    """The content, or what of it begins at the byte that is asked for."""
    item = _find(world, call)
    found = _RANGE.fullmatch(call.headers.get("range", "")) if world.settings.ranges else None
    start = int(found[1]) if found else 0
    body = content(call.user, item, start)
    if body is None:
        raise Refusal(405, "ErrorInvalidRequest", "The content of a reference attachment cannot be read.")
    headers = {"Content-Type": item.props["contentType"] or "application/octet-stream", "Accept-Ranges": "bytes"}
    if found is None:
        return Answer(200, body, headers)
    if not body:
        return Answer(416, None, {"Content-Range": f"bytes */{len(content(call.user, item) or b'')}"})
    size = start + len(body)
    return Answer(206, body, headers | {"Content-Range": f"bytes {start}-{size - 1}/{size}"})


def add(world: World, call: Call) -> Answer:
    message, props = message_of(world, call), enclosure(call.json())
    keep(world, call, message)
    store = ATTACHMENT.of(world.mailboxes.write(call.user))
    item = store.add(props, message.number)
    settle(world, call, message)
    call.key = f"{call.key} {props['name']}".strip()
    return Answer(201, context(world, call, PLACE, one=True) | shape(_row(world, call, item), call))


def remove(world: World, call: Call) -> Answer:
    message, item = message_of(world, call), _find(world, call)
    keep(world, call, message)
    mailbox = world.mailboxes.write(call.user)
    ATTACHMENT.of(mailbox).remove(ATTACHMENT.of(mailbox).items[item.number])
    settle(world, call, message)
    return Answer(204)


ROUTES = tuple(
    Route(method, f"{path}/attachments{end}", work, rights)
    for path in ("/users/{}/messages/{}", FOLDERS + "/{}")
    for method, end, work, rights in (
        ("GET", "", listing, READ),
        ("POST", "", add, WRITE),
        ("GET", "/{}", read, READ),
        ("GET", "/{}/$value", raw, READ),
        ("DELETE", "/{}", remove, WRITE),
    )
)
