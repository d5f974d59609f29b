"""Mailbox import and export: folders, items and what has changed among them; streams out, and back in."""

from bulkmail.sim.families.exchange import imports
from bulkmail.sim.families.exchange.content import folder_row, item_row
from bulkmail.sim.families.exchange.exports import export
from bulkmail.sim.families.exchange.kind import (
    CHANGE_FOLDERS,
    CHANGE_ITEMS,
    EXPORT,
    FOLDERS,
    IMPORT,
    ITEMS,
    SETTINGS,
    mailbox_id,
)
from bulkmail.sim.families.folders.content import ROOT
from bulkmail.sim.families.folders.kind import FOLDER
from bulkmail.sim.families.folders.routes import Census, folder_of
from bulkmail.sim.families.messages.kind import MESSAGE
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request
from bulkmail.sim.graph.delta import delta
from bulkmail.sim.graph.items import delete, find, whole
from bulkmail.sim.graph.odata import order, page_size, parse_filter, select, whole_number
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World


def settings(world: World, call: Call) -> Answer:
    context = {
        "@odata.context": f"{call.base}/$metadata#users('{world.tenant.guid(call.user)}')/settings/exchange/$entity"
    }
    return Answer(200, context | {"primaryMailboxId": mailbox_id(world, call.user)})


def _url(world: World, call: Call) -> str:
    return f"{call.base}/admin/exchange/mailboxes/{mailbox_id(world, call.user)}"


def _page(world: World, call: Call, rows: list[Json], path: str) -> Answer:
    if "$filter" in call.options:
        rows = [row for row in rows if parse_filter(call.options["$filter"]).test(row)]
    rows = order(rows, call.options)
    start, size = whole_number(call.options, "$skip", 0), page_size(call.options, 10, 1000)
    body: Json = {
        "@odata.context": f"{call.base}/$metadata#admin/exchange/mailboxes/{mailbox_id(world, call.user)}/{path}"
    }
    if start + size < len(rows):
        body["@odata.nextLink"] = call.link({**call.options, "$skip": str(start + size)})
    return Answer(200, body | {"value": [select(row, call.options) for row in rows[start : start + size]]})


def folders(world: World, call: Call) -> Answer:
    mailbox = world.mailboxes.read(call.user)
    census = Census(mailbox, call.now)
    parent = folder_of(world, call, call.keys[1]).number if len(call.keys) > 1 else ROOT
    rows = [folder_row(_url(world, call), census, folder) for folder in FOLDER.of(mailbox) if folder.parent == parent]
    return _page(world, call, rows, "folders")


def folder(world: World, call: Call) -> Answer:
    return _one_folder(world, call, folder_of(world, call, call.keys[1]))


def _one_folder(world: World, call: Call, found: Item, status: int = 200) -> Answer:
    census = Census(world.mailboxes.read(call.user), call.now)
    return Answer(status, select(folder_row(_url(world, call), census, found), call.options))


def add_folder(world: World, call: Call) -> Answer:
    parent = folder_of(world, call, call.keys[1]).number if len(call.keys) > 1 else ROOT
    body = call.json()
    name, kind = body.get("displayName"), body.get("type", "IPF.Note")
    if not isinstance(name, str) or not name or not isinstance(kind, str):
        raise bad_request("A folder needs a displayName.", "ErrorInvalidRequest")
    store = FOLDER.of(world.mailboxes.write(call.user))
    if any(one.parent == parent and str(one.props["displayName"]).lower() == name.lower() for one in store):
        raise Refusal(409, "ErrorFolderExists", "A folder with the specified name already exists.")
    return _one_folder(world, call, store.add({"isHidden": False, "displayName": name, "type": kind}, parent), 201)


def items(world: World, call: Call) -> Answer:
    parent = folder_of(world, call, call.keys[1]).number
    store = MESSAGE.of(world.mailboxes.read(call.user))
    rows = [item_row(whole(MESSAGE, store, item)) for item in store if item.parent == parent]
    return _page(world, call, rows, f"folders('{call.keys[1]}')/items")


def changes(world: World, call: Call) -> Answer:
    parent = folder_of(world, call, call.keys[1]).number
    store = MESSAGE.of(world.mailboxes.read(call.user))
    return delta(world, call, MESSAGE, parent, row=lambda item: item_row(whole(MESSAGE, store, item)))


def item(world: World, call: Call) -> Answer:
    found = find(world, call, MESSAGE, call.keys[2])
    return Answer(200, item_row(whole(MESSAGE, MESSAGE.of(world.mailboxes.read(call.user)), found)))


def remove(world: World, call: Call) -> Answer:
    return delete(world, call, MESSAGE, find(world, call, MESSAGE, call.keys[2]))


MAILBOX = "/admin/exchange/mailboxes/{}"
ROUTES = (
    Route("GET", "/users/{}/settings/exchange", settings, SETTINGS),
    Route("GET", MAILBOX + "/folders", folders, FOLDERS),
    Route("POST", MAILBOX + "/folders", add_folder, CHANGE_FOLDERS),
    Route("GET", MAILBOX + "/folders/{}", folder, FOLDERS),
    Route("GET", MAILBOX + "/folders/{}/childFolders", folders, FOLDERS),
    Route("POST", MAILBOX + "/folders/{}/childFolders", add_folder, CHANGE_FOLDERS),
    Route("GET", MAILBOX + "/folders/{}/items", items, ITEMS),
    Route("GET", MAILBOX + "/folders/{}/items/delta", changes, ITEMS),
    Route("GET", MAILBOX + "/folders/{}/items/{}", item, ITEMS),
    Route("DELETE", MAILBOX + "/folders/{}/items/{}", remove, CHANGE_ITEMS),
    Route("POST", MAILBOX + "/exportItems", export, EXPORT),
    Route("POST", MAILBOX + "/createImportSession", imports.session, IMPORT),
)
