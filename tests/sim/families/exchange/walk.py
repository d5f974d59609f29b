"""Import and export: every route once, against the documented names, types and statuses."""

from bulkmail.sim.graph.call import escape
from tests.sim.walk import LIST, MAYBE_TEXT, NUMBER, TEXT, Shape, Walk, matches

MAILBOX_FOLDER: Shape = {
    "id": TEXT, "displayName": TEXT, "parentFolderId": TEXT, "parentMailboxUrl": TEXT, "childFolderCount": NUMBER,
    "totalItemCount": NUMBER, "wellKnownName": MAYBE_TEXT, "type": TEXT,
}  # fmt: skip
ITEM: Shape = {"id": TEXT, "changeKey": TEXT, "type": TEXT, "size": NUMBER, "categories": LIST, "createdDateTime": TEXT}
SAMPLES = {  # the documented body -> ours
    "exchangesettings-get-beta": "GET /settings/exchange",
    "mailbox-folders-list": "GET /folders",
    "mailbox-items-list": "GET /folders/{}/items",
    "mailbox-exportitems-response": "POST /exportItems",
    "mailbox-createimportsession-response": "POST /createImportSession",
}


async def walk_exchange(walk: Walk) -> None:
    settings = await walk.ask("GET", "/settings/exchange", shape={"primaryMailboxId": TEXT})
    walk.base = f"/admin/exchange/mailboxes/{escape(settings['primaryMailboxId'])}"
    folders = await walk.rows("/folders", MAILBOX_FOLDER)
    inbox = next(folder["id"] for folder in folders if folder["wellKnownName"] == "inbox")
    await walk.ask("GET", f"/folders/{inbox}", shape=MAILBOX_FOLDER)
    await walk.ask("GET", f"/folders/{inbox}/childFolders", shape={"value": LIST})
    items = await walk.rows(f"/folders/{inbox}/items", ITEM)
    await walk.ask("GET", f"/folders/{inbox}/items/{items[0]['id']}", shape=ITEM)
    changed = await walk.ask("GET", f"/folders/{inbox}/items/delta", shape={"value": LIST})
    assert changed["value"][0]["id"] == items[0]["id"]
    made = await walk.ask("POST", "/folders", {"displayName": "Came back"}, status=201, shape=MAILBOX_FOLDER)
    await walk.ask("POST", f"/folders/{made['id']}/childFolders", {"displayName": "Below"}, status=201)
    exported = await walk.ask("POST", "/exportItems", {"itemIds": [items[0]["id"], "gone"]})
    matches(exported["value"][0], {"itemId": TEXT, "changeKey": TEXT, "data": TEXT})
    matches(exported["value"][1], {"itemId": TEXT, "error": {"code": TEXT, "message": TEXT}})
    session = await walk.ask("POST", "/createImportSession", shape={"importUrl": TEXT, "expirationDateTime": TEXT})
    wish = {"FolderId": inbox, "Mode": "create", "Data": exported["value"][0]["data"]}
    async with walk.desk.session.post(session["importUrl"], json=wish) as response:
        taken = await response.json()
        matches(taken, {"itemId": TEXT, "changeKey": TEXT})
    await walk.ask("DELETE", f"/folders/{inbox}/items/{taken['itemId']}", status=204)
    walk.base = walk.desk.user()


WALKS = (walk_exchange,)
