"""Every route, walked through once, against the documented names, types and statuses."""

import json
import re
from typing import Any

from bulkmail.sim.families import routes
from bulkmail.sim.graph.call import escape
from tests.sim.desk import Desk, Reply, rehearse

TEXT, NUMBER, TRUTH, LIST, OBJECT = str, int, bool, list, dict
MAYBE_TEXT = (str, type(None))
Shape = dict[str, Any]
IDS = re.compile(r"/(AAMkAD[^/?]+|[0-9a-f]{8}-[0-9a-f-]{27})")

FOLDER: Shape = {
    "id": TEXT, "displayName": TEXT, "parentFolderId": TEXT, "childFolderCount": NUMBER, "unreadItemCount": NUMBER,
    "totalItemCount": NUMBER, "isHidden": TRUTH,
}  # fmt: skip
MESSAGE: Shape = {
    "@odata.etag": TEXT, "id": TEXT, "changeKey": TEXT, "createdDateTime": TEXT, "lastModifiedDateTime": TEXT,
    "categories": LIST, "receivedDateTime": TEXT, "sentDateTime": TEXT, "hasAttachments": TRUTH,
    "internetMessageId": TEXT, "subject": TEXT, "bodyPreview": TEXT, "importance": TEXT, "parentFolderId": TEXT,
    "conversationId": TEXT, "isRead": TRUTH, "isDraft": TRUTH, "webLink": TEXT, "inferenceClassification": TEXT,
    "body": {"contentType": TEXT, "content": TEXT}, "toRecipients": LIST, "flag": {"flagStatus": TEXT},
}  # fmt: skip
RULE: Shape = {
    "id": TEXT, "displayName": TEXT, "sequence": NUMBER, "isEnabled": TRUTH, "hasError": TRUTH, "isReadOnly": TRUTH,
    "conditions": OBJECT, "actions": OBJECT,
}  # fmt: skip
CONTACT: Shape = {
    "@odata.etag": TEXT, "id": TEXT, "parentFolderId": TEXT, "displayName": MAYBE_TEXT, "emailAddresses": LIST,
    "businessPhones": LIST, "createdDateTime": TEXT, "homeAddress": OBJECT, "categories": LIST,
}  # fmt: skip
CONTACT_FOLDER: Shape = {"id": TEXT, "parentFolderId": TEXT, "displayName": TEXT}
CATEGORY: Shape = {"id": TEXT, "displayName": TEXT, "color": TEXT}
CALENDAR: Shape = {"id": TEXT, "name": TEXT, "color": TEXT, "changeKey": TEXT, "canEdit": TRUTH, "owner": OBJECT}
EVENT: Shape = {
    "@odata.etag": TEXT, "id": TEXT, "subject": TEXT, "start": {"dateTime": TEXT, "timeZone": TEXT}, "end": OBJECT,
    "attendees": LIST, "organizer": OBJECT, "isAllDay": TRUTH,
}  # fmt: skip
PERMISSION: Shape = {
    "id": TEXT, "isRemovable": TRUTH, "isInsideOrganization": TRUTH, "role": TEXT, "allowedRoles": LIST,
    "emailAddress": OBJECT,
}  # fmt: skip
USER: Shape = {"id": TEXT, "displayName": TEXT, "userPrincipalName": TEXT, "businessPhones": LIST, "mail": MAYBE_TEXT}
SETTINGS: Shape = {
    "archiveFolder": TEXT, "timeZone": TEXT, "delegateMeetingMessageDeliveryOptions": TEXT, "dateFormat": MAYBE_TEXT,
    "language": OBJECT, "userPurpose": (str, dict), "workingHours": {"daysOfWeek": LIST, "timeZone": OBJECT},
    "automaticRepliesSetting": {
        "status": TEXT, "externalAudience": TEXT, "internalReplyMessage": TEXT, "externalReplyMessage": TEXT,
        "scheduledStartDateTime": {"dateTime": TEXT, "timeZone": TEXT}, "scheduledEndDateTime": OBJECT,
    },
}  # fmt: skip
ATTACHMENT: Shape = {
    "@odata.type": TEXT, "id": TEXT, "name": TEXT, "contentType": TEXT, "size": NUMBER, "isInline": TRUTH,
    "contentBytes": TEXT, "lastModifiedDateTime": TEXT,
}  # fmt: skip
MAILBOX_FOLDER: Shape = {
    "id": TEXT, "displayName": TEXT, "parentFolderId": TEXT, "parentMailboxUrl": TEXT, "childFolderCount": NUMBER,
    "totalItemCount": NUMBER, "wellKnownName": MAYBE_TEXT, "type": TEXT,
}  # fmt: skip
ITEM: Shape = {"id": TEXT, "changeKey": TEXT, "type": TEXT, "size": NUMBER, "categories": LIST, "createdDateTime": TEXT}
LETTER = {"subject": "Notice", "body": {"contentType": "Text", "content": "hello"},
          "toRecipients": [{"emailAddress": {"address": "someone@tenant.example"}}]}  # fmt: skip
SPAN = {"start": {"dateTime": "2026-01-02T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-01-02T11:00:00", "timeZone": "UTC"}}  # fmt: skip


def matches(body: Any, shape: Any, place: str = "") -> None:
    if isinstance(shape, dict):
        assert isinstance(body, dict), place
        for name, inner in shape.items():
            assert name in body, f"{place}/{name} is missing"
            matches(body[name], inner, f"{place}/{name}")
    else:
        assert isinstance(body, shape), f"{place} is {body!r}"


class Walk:
    """Asks, checks status and shape, remembers the first answer of each kind."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.base = desk.user()
        self.bodies: dict[str, Any] = {}

    async def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, shape: Any = None) -> Any:
        reply = await self.desk.ask(method, path if path.startswith("http") else f"{self.base}{path}", body)
        assert reply.status == status, (method, path, reply.body)
        self.check_headers(reply)
        if shape is not None:
            matches(reply.body, shape, path)
        self.bodies.setdefault(f"{method} {IDS.sub('/{}', path)}", reply.body)
        return reply.body

    async def rows(self, path: str, shape: Any) -> Any:
        body = await self.ask("GET", path, shape={"@odata.context": TEXT, "value": LIST})
        assert body["value"], path
        for row in body["value"]:
            matches(row, shape, path)
        return body["value"]

    def check_headers(self, reply: Reply) -> None:
        assert reply.headers["request-id"]
        assert json.loads(reply.headers["x-ms-ags-diagnostic"])["ServerInfo"]
        assert "Date" in reply.headers


async def walk_settings(walk: Walk) -> None:
    await walk.ask("GET", "/mailboxSettings", shape=SETTINGS)
    assert set(await walk.ask("GET", "/mailboxSettings/timeZone")) == {"@odata.context", "value"}
    await walk.ask("GET", "/mailboxSettings/workingHours", shape=SETTINGS["workingHours"])
    changed = await walk.ask("PATCH", "/mailboxSettings", {"timeZone": "UTC"})
    assert set(changed) == {"@odata.context", "timeZone"}


async def walk_rules(walk: Walk) -> None:
    path = "/mailFolders/inbox/messageRules"
    wish = {"displayName": "Ours", "sequence": 9, "actions": {"stopProcessingRules": True}}
    made = await walk.ask("POST", path, wish, status=201, shape=RULE)
    await walk.rows(path, RULE)
    await walk.ask("GET", f"{path}/{made['id']}", shape=RULE)
    changed = await walk.ask("PATCH", f"{path}/{made['id']}", {"actions": {"delete": True}}, shape=RULE)
    assert changed["actions"] == {"delete": True}
    await walk.ask("DELETE", f"{path}/{made['id']}", status=204)
    await walk.ask("GET", f"{path}/{made['id']}", status=404)


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
    await walk.ask("DELETE", inner, status=204)
    await walk.ask("POST", f"{inner}/permanentDelete", status=204)
    delta = await walk.ask("GET", "/mailFolders/delta")
    for row in delta["value"]:
        matches(row, {"@odata.type": TEXT} | FOLDER)


async def walk_messages(walk: Walk) -> None:
    await walk.rows("/messages", MESSAGE)
    await walk.rows("/mailFolders/inbox/messages", MESSAGE)
    for path, there in (("/messages", "/messages"), ("/mailFolders/drafts/messages", "/mailFolders/archive/messages")):
        made = await walk.ask("POST", path, LETTER, status=201, shape=MESSAGE)
        await walk.ask("GET", f"{path}/{made['id']}", shape=MESSAGE)
        raw = await walk.desk.get(f"{walk.base}{path}/{made['id']}/$value")
        assert raw.status == 200
        assert raw.content.startswith(b"Subject: Notice")
        await walk.ask("PATCH", f"{path}/{made['id']}", {"categories": ["Red category"]}, shape=MESSAGE)
        copy = await walk.ask("POST", f"{path}/{made['id']}/copy", {"destinationId": "archive"}, status=201)
        moved = await walk.ask("POST", f"{path}/{made['id']}/move", {"destinationId": "archive"}, status=201)
        assert moved["id"] != made["id"]
        await walk.ask("GET", f"{path}/{made['id']}", status=404)
        await walk.ask("DELETE", f"{there}/{moved['id']}", status=204)
        await walk.ask("POST", f"{there}/{copy['id']}/permanentDelete", status=204)
    delta = await walk.ask("GET", "/mailFolders/inbox/messages/delta")
    for row in delta["value"]:
        matches(row, {"@odata.type": TEXT} | MESSAGE)


async def walk_sending(walk: Walk) -> None:
    await walk.ask("POST", "/sendMail", {"message": LETTER}, status=202)
    made = await walk.ask("POST", "/messages", LETTER, status=201)
    await walk.ask("POST", f"/messages/{made['id']}/send", status=202)
    made = await walk.ask("POST", "/messages", LETTER, status=201)
    path = f"/messages/{made['id']}/attachments"
    wish = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt", "contentBytes": "aGVsbG8="}
    added = await walk.ask("POST", path, wish, status=201, shape=ATTACHMENT)
    await walk.rows(path, ATTACHMENT)
    await walk.ask("GET", f"{path}/{added['id']}", shape=ATTACHMENT)
    assert (await walk.desk.get(f"{walk.base}{path}/{added['id']}/$value")).content == b"hello"
    await walk.ask("DELETE", f"{path}/{added['id']}", status=204)


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


async def walk_categories(walk: Walk) -> None:
    path = "/outlook/masterCategories"
    await walk.rows(path, CATEGORY)
    made = await walk.ask("POST", path, {"displayName": "Ours", "color": "preset9"}, status=201, shape=CATEGORY)
    await walk.ask("GET", f"{path}/{made['id']}", shape=CATEGORY)
    changed = await walk.ask("PATCH", f"{path}/{made['id']}", {"color": "preset15"}, shape=CATEGORY)
    assert (changed["displayName"], changed["color"]) == ("Ours", "preset15")
    await walk.ask("DELETE", f"{path}/{made['id']}", status=204)


async def walk_calendars(walk: Walk) -> None:
    await walk.rows("/calendars", CALENDAR)
    await walk.ask("GET", "/calendar", shape=CALENDAR)
    made = await walk.ask("POST", "/calendars", {"name": "Ours"}, status=201, shape=CALENDAR)
    await walk.ask("GET", f"/calendars/{made['id']}", shape=CALENDAR)
    span = "startDateTime=2000-01-01T00:00:00&endDateTime=2099-01-01T00:00:00"
    for path in ("/events", "/calendar/events", f"/calendars/{made['id']}/events"):
        event = await walk.ask("POST", path, {"subject": "Meet", **SPAN}, status=201, shape=EVENT)
        await walk.rows(path, EVENT)
        await walk.ask("GET", f"{path}/{event['id']}", shape=EVENT)
        await walk.ask("PATCH", f"{path}/{event['id']}", {"subject": "Meet again"}, shape=EVENT)
        assert "@odata.deltaLink" in await walk.ask("GET", f"{path}/delta")
        await walk.rows(f"/calendarView?{span}", EVENT)
        await walk.rows(f"/calendar/calendarView?{span}", EVENT)
        await walk.ask("POST", f"{path}/{event['id']}/cancel", status=202)
        for method, end in (("DELETE", ""), ("POST", "/permanentDelete")):
            event = await walk.ask("POST", path, {"subject": "Meet", **SPAN}, status=201)
            await walk.ask(method, f"{path}/{event['id']}{end}", status=204)
    await walk.ask("DELETE", f"/calendars/{made['id']}", status=204)


async def walk_permissions(walk: Walk) -> None:
    path = "/calendar/calendarPermissions"
    rows = await walk.rows(path, PERMISSION)
    assert rows[0]["isRemovable"] is False
    wish = {"emailAddress": {"name": "Fern", "address": "fern@tenant.example"}, "role": "read"}
    made = await walk.ask("POST", path, wish, status=201, shape=PERMISSION)
    await walk.ask("GET", f"{path}/{made['id']}", shape=PERMISSION)
    await walk.ask("PATCH", f"{path}/{made['id']}", {"role": "write"}, shape=PERMISSION)
    await walk.ask("DELETE", f"{path}/{made['id']}", status=204)
    await walk.ask("DELETE", f"{path}/{rows[0]['id']}", status=400)


async def walk_exchange(walk: Walk) -> None:
    settings = await walk.ask("GET", "/settings/exchange", shape={"primaryMailboxId": TEXT})
    walk.base = f"/admin/exchange/mailboxes/{escape(settings['primaryMailboxId'])}"
    folders = await walk.rows("/folders", MAILBOX_FOLDER)
    inbox = next(folder["id"] for folder in folders if folder["wellKnownName"] == "inbox")
    await walk.ask("GET", f"/folders/{inbox}", shape=MAILBOX_FOLDER)
    await walk.ask("GET", f"/folders/{inbox}/childFolders", shape={"value": LIST})
    items = await walk.rows(f"/folders/{inbox}/items", ITEM)
    await walk.ask("GET", f"/folders/{inbox}/items/{items[0]['id']}", shape=ITEM)
    exported = await walk.ask("POST", "/exportItems", {"itemIds": [items[0]["id"], "gone"]})
    matches(exported["value"][0], {"itemId": TEXT, "changeKey": TEXT, "data": TEXT})
    matches(exported["value"][1], {"itemId": TEXT, "error": {"code": TEXT, "message": TEXT}})
    session = await walk.ask("POST", "/createImportSession", shape={"importUrl": TEXT, "expirationDateTime": TEXT})
    wish = {"FolderId": inbox, "Mode": "create", "Data": exported["value"][0]["data"]}
    async with walk.desk.session.post(session["importUrl"], json=wish) as response:
        matches(await response.json(), {"itemId": TEXT, "changeKey": TEXT})
    walk.base = walk.desk.user()


async def walk_directory(walk: Walk) -> None:
    walk.base = ""
    users = await walk.rows("/users?$top=5", USER)
    await walk.ask("GET", f"/users/{users[0]['id']}", shape=USER)
    assert "@odata.nextLink" in await walk.ask("GET", "/users/delta", shape={"value": LIST})
    groups = await walk.rows("/groups", {"id": TEXT, "displayName": TEXT})
    await walk.ask("GET", f"/groups/{groups[0]['id']}", shape={"id": TEXT})
    for path in ("members", "transitiveMembers"):
        await walk.rows(f"/groups/{groups[0]['id']}/{path}", {"@odata.type": TEXT} | USER)
        await walk.rows(f"/groups/{groups[0]['id']}/{path}/microsoft.graph.user", USER)
    reply = await walk.desk.get("/reports/getMailboxUsageDetail(period='D7')")
    assert reply.status == 302
    async with walk.desk.session.get(reply.headers["Location"]) as response:
        report = await response.read()
    assert report.startswith(b"\xef\xbb\xbfReport Refresh Date,User Principal Name,Display Name,Is Deleted")


WALKS = (
    walk_settings, walk_rules, walk_folders, walk_messages, walk_sending, walk_contacts, walk_categories,
    walk_calendars, walk_permissions, walk_exchange, walk_directory,
)  # fmt: skip


async def walk_all(walk: Walk) -> None:
    for part in WALKS:
        await part(walk)


def test_every_route_speaks_as_documented() -> None:
    async def act(desk: Desk) -> None:
        await walk_all(Walk(desk))

    books = rehearse(act)
    walked = {name for name, statuses in books["routes"].items() if min(map(int, statuses)) < 400}
    assert {route.name for route in routes()} <= walked
    assert not books["breaches"]
    assert not books["lacking"]
