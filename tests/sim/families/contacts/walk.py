"""Contacts and contact folders: every route once, against the documented names, types and statuses."""

from tests.sim.walk import LIST, MAYBE_TEXT, OBJECT, TEXT, Shape, Walk

CONTACT: Shape = {
    "@odata.etag": TEXT, "id": TEXT, "parentFolderId": TEXT, "displayName": MAYBE_TEXT, "emailAddresses": LIST,
    "businessPhones": LIST, "createdDateTime": TEXT, "homeAddress": OBJECT, "categories": LIST,
}  # fmt: skip
CONTACT_FOLDER: Shape = {"id": TEXT, "parentFolderId": TEXT, "displayName": TEXT}
LISTS = {"/contacts": CONTACT}  # what every untouched mailbox has, or may have
SAMPLES = {  # the documented body -> ours
    "contactfolders-list": "GET /contactFolders",
    "contactfolder-create-response": "POST /contactFolders",
    "contactfolders-delta-page": "GET /contactFolders/delta",
    "contacts-list": "GET /contacts",
    "contacts-delta-page": "GET /contactFolders/{}/contacts/delta",
    "contact-create-response": "POST /contacts",
    "contact-update-response": "PATCH /contacts/{}",
}


async def walk_contacts(walk: Walk) -> None:
    folder = await walk.ask("POST", "/contactFolders", {"displayName": "Ours"}, status=201, shape=CONTACT_FOLDER)
    inner = f"/contactFolders/{folder['id']}"
    await walk.rows("/contactFolders", CONTACT_FOLDER)
    await walk.ask("GET", inner, shape=CONTACT_FOLDER)
    await walk.ask("PATCH", inner, {"displayName": "Renamed"}, shape=CONTACT_FOLDER)
    child = await walk.ask("POST", f"{inner}/childFolders", {"displayName": "Inner"}, status=201)
    await walk.rows(f"{inner}/childFolders", CONTACT_FOLDER)
    await walk.ask("DELETE", f"/contactFolders/{child['id']}", status=204)
    assert (await walk.ask("GET", "/contactFolders/delta"))["value"]
    for path in ("/contacts", f"{inner}/contacts"):
        made = await walk.ask("POST", path, {"givenName": "Fern"}, status=201, shape=CONTACT)
        await walk.rows(path, CONTACT)
        await walk.ask("GET", f"{path}/{made['id']}", shape=CONTACT)
        await walk.ask("PATCH", f"{path}/{made['id']}", {"surname": "Dale"}, shape=CONTACT)
        assert (await walk.ask("GET", f"{path}/delta"))["value"]
        await walk.ask("DELETE", f"{path}/{made['id']}", status=204)
        made = await walk.ask("POST", path, {"givenName": "Fern"}, status=201)
        await walk.ask("POST", f"{path}/{made['id']}/permanentDelete", status=204)
    await walk.ask("POST", f"{inner}/permanentDelete", status=204)


WALKS = (walk_contacts,)
