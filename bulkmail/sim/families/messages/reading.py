"""Messages: listed, searched, filtered, changed, moved, deleted in its two ways, followed by delta, and as MIME."""

import re
from collections.abc import Iterable
from email.message import EmailMessage

from bulkmail.sim.families.folders.content import DELETED, RECOVERABLE
from bulkmail.sim.families.folders.routes import destination, folder_of
from bulkmail.sim.families.messages.kind import BASIC, MESSAGE, READ, WRITE
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request, item_not_found
from bulkmail.sim.graph.delta import delta
from bulkmail.sim.graph.items import (
    context,
    create,
    find,
    immutable,
    one,
    page,
    shape,
    size_properties,
    whole,
)
from bulkmail.sim.graph.odata import parse_filter
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.witness.marks import EXTENDED, key_of
from bulkmail.sim.world import World

NOT_BASIC = ("body", "bodyPreview", EXTENDED)
SEARCHED = 1000  # hits that $search gives at most


def message_of(world: World, call: Call) -> Item:
    """The message that the path names; below a folder's path it must be in that folder."""
    inside = "/mailFolders/" in call.pattern
    item = find(world, call, MESSAGE, call.keys[2 if inside else 1])
    if inside and item.parent != folder_of(world, call, call.keys[1]).number:
        raise item_not_found()
    call.key = key_of(item.props)
    return item


def all_messages(world: World, call: Call) -> Answer:
    return _listing(world, call, MESSAGE.of(world.mailboxes.read(call.user)), "messages")


def in_folder(world: World, call: Call) -> Answer:
    folder = folder_of(world, call, call.keys[1])
    items = [item for item in MESSAGE.of(world.mailboxes.read(call.user)) if item.parent == folder.number]
    return _listing(world, call, items, f"mailFolders('{call.keys[1]}')/messages")


def _listing(world: World, call: Call, items: Iterable[Item], path: str) -> Answer:
    """Newest first unless ordered otherwise."""
    _check_order(call)
    store, fixed = MESSAGE.of(world.mailboxes.read(call.user)), immutable(call)
    here = [item for item in items if item.due <= call.now]
    if "$search" in call.options:
        here = _search(call, here)
    if "$orderby" not in call.options:
        here.sort(key=lambda item: str(item.props["receivedDateTime"]), reverse=True)
    return page(
        world, call, MESSAGE, here, path, lambda item: _shown(whole(MESSAGE, store, item, immutable=fixed), call)
    )


def _shown(row: Json, call: Call) -> Json:
    if not call.grant.roles & READ and not call.grant.scoped_roles & READ:
        return {name: value for name, value in row.items() if name not in NOT_BASIC}
    if "prefer" in call.headers and call.prefers("outlook.body-content-type") == "text":
        plain = re.sub(r"<[^>]+>", "", row["body"]["content"])
        row = row | {"body": {"contentType": "text", "content": plain}}
    return size_properties(row, row.get("bytes", 0), "Integer")


def _check_order(call: Call) -> None:
    """What $orderby names has to lead the $filter, in the same order."""
    if "$orderby" not in call.options or "$filter" not in call.options:
        return
    ordered = [clause.split()[0].lower() for clause in call.options["$orderby"].split(",") if clause.strip()]
    fields = [name.lower() for name in parse_filter(call.options["$filter"]).fields]
    if fields[: len(ordered)] != ordered:
        raise bad_request("The restriction or sort order is too complex for this operation.", "InefficientFilter")


def _search(call: Call, items: list[Item]) -> list[Item]:
    """A little of KQL: words, and `subject:`, `from:`, `body:` before one."""
    if "$filter" in call.options or "$orderby" in call.options:
        raise bad_request(
            "The query parameter '$search' cannot be combined with $filter or $orderby.", "SearchWithFilter"
        )
    if not call.grant.roles & READ:
        raise Refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    text = call.options["$search"].strip('"').lower()
    scope, colon, word = text.partition(":")
    fields = {"subject": ("subject",), "from": ("from",), "body": ("body",)}.get(scope if colon else "", ())
    names = fields or ("subject", "from", "bodyPreview")
    wanted = word if fields else text
    return [item for item in items if any(wanted in str(item.props[name]).lower() for name in names)][:SEARCHED]


def read(world: World, call: Call) -> Answer:
    item, store = message_of(world, call), MESSAGE.of(world.mailboxes.read(call.user))
    row = _shown(whole(MESSAGE, store, item, immutable=immutable(call)), call)
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
    return delta(world, call, MESSAGE, folder_of(world, call, call.keys[1]).number)


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
