"""Mailbox import and export: folders, items, opaque streams out, and back in by a pre-signed address."""

from bulkmail.sim.families.exchange import imports
from bulkmail.sim.families.exchange.content import folder_row, item_row, packed
from bulkmail.sim.families.exchange.kind import EXPORT, FOLDERS, IMPORT, ITEMS, SETTINGS, mailbox_id
from bulkmail.sim.families.folders.content import ROOT
from bulkmail.sim.families.folders.kind import FOLDER
from bulkmail.sim.families.folders.routes import Census, folder_of
from bulkmail.sim.families.messages.kind import MESSAGE
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request
from bulkmail.sim.graph.items import change_key, find, whole
from bulkmail.sim.graph.odata import order, page_size, parse_filter, select, whole_number
from bulkmail.sim.graph.table import Route
from bulkmail.sim.world import World

EXPORTED = 20  # items of one call at most


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
    census = Census(world.mailboxes.read(call.user), call.now)
    return Answer(
        200, select(folder_row(_url(world, call), census, folder_of(world, call, call.keys[1])), call.options)
    )


def items(world: World, call: Call) -> Answer:
    parent = folder_of(world, call, call.keys[1]).number
    store = MESSAGE.of(world.mailboxes.read(call.user))
    rows = [item_row(whole(MESSAGE, store, item)) for item in store if item.parent == parent]
    return _page(world, call, rows, f"folders('{call.keys[1]}')/items")


def item(world: World, call: Call) -> Answer:
    found = find(world, call, MESSAGE, call.keys[2])
    return Answer(200, item_row(whole(MESSAGE, MESSAGE.of(world.mailboxes.read(call.user)), found)))


def export(world: World, call: Call) -> Answer:
    """One stream or one error an item; the whole is 200."""
    wanted = call.parameters().get("itemids")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(text, str) for text in wanted):
        raise bad_request("The itemIds are missing.", "ErrorInvalidRequest")
    if len(wanted) > EXPORTED:
        raise bad_request(f"Too many items: {EXPORTED} can be exported at once.", "ErrorInvalidRequest")
    rows = [_exported(world, call, text) for text in wanted]
    context = f"{call.base}/$metadata#Collection(microsoft.graph.exportItemResponse)"
    return Answer(200, {"@odata.context": context, "value": rows})


def _exported(world: World, call: Call, text: str) -> Json:
    try:
        found = find(world, call, MESSAGE, text)
    except Refusal as refusal:
        return {"itemId": text, "changeKey": None, "error": {"code": refusal.code, "message": refusal.message}}
    return {"itemId": text, "changeKey": change_key(found), "data": packed(found)}


MAILBOX = "/admin/exchange/mailboxes/{}"
ROUTES = (
    Route("GET", "/users/{}/settings/exchange", settings, SETTINGS),
    Route("GET", MAILBOX + "/folders", folders, FOLDERS),
    Route("GET", MAILBOX + "/folders/{}", folder, FOLDERS),
    Route("GET", MAILBOX + "/folders/{}/childFolders", folders, FOLDERS),
    Route("GET", MAILBOX + "/folders/{}/items", items, ITEMS),
    Route("GET", MAILBOX + "/folders/{}/items/{}", item, ITEMS),
    Route("POST", MAILBOX + "/exportItems", export, EXPORT),
    Route("POST", MAILBOX + "/createImportSession", imports.session, IMPORT),
)
