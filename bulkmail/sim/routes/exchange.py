"""Mailbox import and export: folders, items, opaque streams out, and back in by a pre-signed address."""

import base64
import binascii
import secrets

import orjson

from bulkmail.sim.call import Answer, Call, Json, Refusal, bad_request, item_not_found
from bulkmail.sim.folders import ROOT, WELL_KNOWN
from bulkmail.sim.odata import order, page_size, parse_filter, select, whole_number
from bulkmail.sim.routes.folders import Census, folder_of
from bulkmail.sim.routes.items import change_key, find, whole
from bulkmail.sim.routes.messages import MESSAGE
from bulkmail.sim.routes.table import Route, roles
from bulkmail.sim.shelf import Item
from bulkmail.sim.world import World

FOLDERS = roles("MailboxFolder.Read.All MailboxFolder.ReadWrite.All")
ITEMS = roles("MailboxItem.Read.All MailboxItem.ReadWrite.All MailboxItem.ImportExport.All")
EXPORT = roles("MailboxItem.Export.All MailboxItem.ImportExport.All")
IMPORT = roles("MailboxItem.ImportExport.All")
SETTINGS = roles("User.Read.All User.ReadWrite.All Directory.Read.All")
EXPORTED = 20  # items of one call at most
STREAM = b"FTS1"  # what an exported stream begins with


def settings(world: World, call: Call) -> Answer:
    context = {
        "@odata.context": f"{call.base}/$metadata#users('{world.tenant.guid(call.user)}')/settings/exchange/$entity"
    }
    return Answer(200, context | {"primaryMailboxId": mailbox_id(world, call.user)})


def mailbox_id(world: World, user: int) -> str:
    return f"MBX:{world.tenant.guid(user)}@{world.tenant.id}"


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


def _folder_row(world: World, call: Call, census: Census, folder: Item) -> Json:
    row = census.row(folder)
    known = WELL_KNOWN.get(folder.number)
    return {
        "@odata.type": "#microsoft.graph.mailboxFolder",
        "id": row["id"],
        "displayName": row["displayName"],
        "parentFolderId": row["parentFolderId"],
        "parentMailboxUrl": _url(world, call),
        "childFolderCount": row["childFolderCount"],
        "totalItemCount": row["totalItemCount"],
        "wellKnownName": known.name if known else None,
        "type": "IPF.Note",
    }


def folders(world: World, call: Call) -> Answer:
    mailbox = world.mailboxes.read(call.user)
    census = Census(mailbox, call.now)
    parent = folder_of(world, call, call.keys[1]).number if len(call.keys) > 1 else ROOT
    rows = [_folder_row(world, call, census, folder) for folder in mailbox.folders if folder.parent == parent]
    return _page(world, call, rows, "folders")


def folder(world: World, call: Call) -> Answer:
    census = Census(world.mailboxes.read(call.user), call.now)
    return Answer(200, select(_folder_row(world, call, census, folder_of(world, call, call.keys[1])), call.options))


def _item_row(item: Json) -> Json:
    kept = ("@odata.etag", "id", "createdDateTime", "lastModifiedDateTime", "changeKey", "categories")
    shown = {"@odata.type": "#microsoft.graph.mailboxItem"} | {name: item[name] for name in kept}
    return shown | {"type": item.get("type", "IPM.Note"), "size": item.get("bytes", 0)}


def items(world: World, call: Call) -> Answer:
    parent = folder_of(world, call, call.keys[1]).number
    shelf = world.mailboxes.read(call.user).messages
    rows = [_item_row(whole(MESSAGE, shelf, item)) for item in shelf if item.parent == parent]
    return _page(world, call, rows, f"folders('{call.keys[1]}')/items")


def item(world: World, call: Call) -> Answer:
    found = find(world, call, MESSAGE, call.keys[2])
    return Answer(200, _item_row(whole(MESSAGE, world.mailboxes.read(call.user).messages, found)))


def export(world: World, call: Call) -> Answer:
    """One stream or one error an item; the whole is 200."""
    wanted = call.json().get("itemIds")
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
    stream = STREAM + orjson.dumps(found.props)
    return {"itemId": text, "changeKey": change_key(found), "data": base64.b64encode(stream).decode()}


def import_session(world: World, call: Call) -> Answer:
    name = secrets.token_urlsafe(24)
    world.links[name] = call.user
    context = f"{call.base}/$metadata#microsoft.graph.mailboxItemImportSession"
    url = f"{call.base.removesuffix('/v1.0')}/_import?authtoken={name}"
    return Answer(200, {"@odata.context": context, "importUrl": url, "expirationDateTime": "2099-12-31T00:00:00Z"})


def take_in(world: World, token: str, body: bytes) -> Answer:
    """What comes to an import address: one item, new or in place of an old one. Knows the mailbox by the address."""
    user = world.links.get(token)
    if user is None:
        raise Refusal(401, "ErrorInvalidAuthToken", "The import session is not known or has expired.")
    try:
        wish = orjson.loads(body)
        stream = base64.b64decode(wish["Data"], validate=True)
        props, mode, place = orjson.loads(stream.removeprefix(STREAM)), wish["Mode"], wish["FolderId"]
    except (orjson.JSONDecodeError, binascii.Error, KeyError, TypeError):
        raise bad_request("The item to import cannot be read.", "ErrorInvalidRequest") from None
    mailbox = world.mailboxes.write(user)
    target = mailbox.folders.find(str(place))
    if target is None or not stream.startswith(STREAM):
        raise item_not_found()
    if mode == "create":
        taken = mailbox.messages.add(props, target.number)
    else:
        before = mailbox.messages.find(str(wish.get("ItemId")))
        if before is None:
            raise item_not_found()
        taken = mailbox.messages.change(before, props)
    return Answer(200, {"itemId": mailbox.messages.id_of(taken), "changeKey": change_key(taken)})


MAILBOX = "/admin/exchange/mailboxes/{}"
ROUTES = (
    Route("GET", "/users/{}/settings/exchange", settings, SETTINGS),
    Route("GET", MAILBOX + "/folders", folders, FOLDERS),
    Route("GET", MAILBOX + "/folders/{}", folder, FOLDERS),
    Route("GET", MAILBOX + "/folders/{}/childFolders", folders, FOLDERS),
    Route("GET", MAILBOX + "/folders/{}/items", items, ITEMS),
    Route("GET", MAILBOX + "/folders/{}/items/{}", item, ITEMS),
    Route("POST", MAILBOX + "/exportItems", export, EXPORT),
    Route("POST", MAILBOX + "/createImportSession", import_session, IMPORT),
)
