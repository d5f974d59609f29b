"""Mail folders: every route once, against the documented names, types and statuses."""

from tests.sim.walk import NUMBER, TEXT, TRUTH, Shape, Walk, matches

FOLDER: Shape = {
    "id": TEXT, "displayName": TEXT, "parentFolderId": TEXT, "childFolderCount": NUMBER, "unreadItemCount": NUMBER,
    "totalItemCount": NUMBER, "isHidden": TRUTH,
}  # fmt: skip
LISTS = {"/mailFolders": FOLDER}  # what every untouched mailbox has, or may have
SAMPLES = {  # the documented body -> ours
    "mailfolders-list": "GET /mailFolders",
    "mailfolders-list-includehidden": "GET /mailFolders",
    "mailfolder-childfolders-list": "GET /mailFolders/{}/childFolders",
    "mailfolders-delta-page": "GET /mailFolders/delta",
}


async def walk_folders(walk: Walk) -> None:
    await walk.rows("/mailFolders", FOLDER)
    made = await walk.ask("POST", "/mailFolders", {"displayName": "Ours"}, status=201, shape=FOLDER)
    inner = f"/mailFolders/{made['id']}"
    await walk.ask("POST", "/mailFolders", {"displayName": "ours"}, status=409)
    await walk.ask("POST", f"{inner}/childFolders", {"displayName": "Inner"}, status=201, shape=FOLDER)
    await walk.rows(f"{inner}/childFolders", FOLDER)
    await walk.ask("GET", inner, shape=FOLDER)
    await walk.ask("PATCH", inner, {"displayName": "Renamed"}, shape=FOLDER)
    await walk.ask("POST", f"{inner}/move", {"destinationId": "archive"}, status=201, shape=FOLDER)
    copy = await walk.ask("POST", f"{inner}/copy", {"destinationId": "inbox"}, status=201, shape=FOLDER)
    assert (copy["displayName"], copy["childFolderCount"]) == ("Renamed", 1)
    await walk.ask("POST", f"{inner}/copy", {"destinationId": "inbox"}, status=409)
    await walk.ask("DELETE", inner, status=204)
    await walk.ask("POST", f"{inner}/permanentDelete", status=204)
    delta = await walk.ask("GET", "/mailFolders/delta")
    for row in delta["value"]:
        matches(row, {"@odata.type": TEXT} | FOLDER)


WALKS = (walk_folders,)
