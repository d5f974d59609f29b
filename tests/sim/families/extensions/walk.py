"""Open extensions: every route once, on everything that has them."""

from tests.sim.walk import TEXT, Shape, Walk

EXTENSION: Shape = {"@odata.type": TEXT, "id": TEXT, "extensionName": TEXT}
NEW = {"@odata.type": "microsoft.graph.openTypeExtension", "extensionName": "com.contoso.case", "number": 7}
OUTLOOK = "Microsoft.OutlookServices.OpenTypeExtension."
SPAN = {"start": {"dateTime": "2026-01-02T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-01-02T11:00:00", "timeZone": "UTC"}}  # fmt: skip


async def walk_extensions(walk: Walk) -> None:
    calendar = (await walk.rows("/calendars", {"id": TEXT}))[0]["id"]
    folder = await walk.ask("POST", "/contactFolders", {"displayName": "Extended"}, status=201)
    for path, body in (
        ("/messages", {"subject": "Notice"}),
        ("/mailFolders/drafts/messages", {"subject": "Notice"}),
        ("/events", SPAN),
        ("/calendar/events", SPAN),
        (f"/calendars/{calendar}/events", SPAN),
        ("/contacts", {"givenName": "Fern"}),
        (f"/contactFolders/{folder['id']}/contacts", {"givenName": "Fern"}),
    ):
        made = await walk.ask("POST", path, body, status=201)
        await _extended(walk, f"{path}/{made['id']}/extensions", OUTLOOK)
    await _extended(walk, "/extensions", "")


async def _extended(walk: Walk, path: str, prefix: str) -> None:
    assert (await walk.ask("GET", path))["value"] == []
    made = await walk.ask("POST", path, NEW, status=201, shape=EXTENSION)
    assert (made["id"], made["number"]) == (f"{prefix}com.contoso.case", 7)
    await walk.ask("POST", path, NEW, status=409)
    await walk.ask("POST", path, {"extensionName": "untyped"}, status=400)
    for name in {made["id"], "com.contoso.case"}:
        assert (await walk.ask("GET", f"{path}/{name}", shape=EXTENSION))["number"] == 7
    changed = await walk.ask("PATCH", f"{path}/{made['id']}", {"number": None, "state": "open"})
    assert ("number" in changed, changed["state"]) == (False, "open")
    assert [row["state"] for row in await walk.rows(path, EXTENSION)] == ["open"]
    await walk.ask("DELETE", f"{path}/{made['id']}", status=204)
    await walk.ask("DELETE", f"{path}/{made['id']}", status=404)


WALKS = (walk_extensions,)
