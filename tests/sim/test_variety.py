"""A tenant as varied as a real one: every untouched mailbox can be read, and holds bait for careless readers."""

import base64
import json
from typing import Any

from tests.sim.desk import Desk, rehearse
from tests.sim.test_conformance import CALENDAR, CATEGORY, CONTACT, EVENT, FOLDER, MESSAGE, PERMISSION, RULE, matches
from tests.sim.test_conformance import SETTINGS as SHAPE

LISTS = {
    "/mailFolders": FOLDER,
    "/messages": MESSAGE,
    "/contacts": CONTACT,
    "/calendars": CALENDAR,
    "/events": EVENT,
    "/outlook/masterCategories": CATEGORY,
    "/calendar/calendarPermissions": PERMISSION,
    "/mailFolders/inbox/messageRules": RULE,
}


def test_every_untouched_mailbox_can_be_read() -> None:
    async def act(desk: Desk) -> None:
        for number in range(40):
            for path, shape in LISTS.items():
                for row in await desk.pages(f"{desk.user(number)}{path}"):
                    matches(row, shape, path)
        assert not desk.sim.world.mailboxes.written

    rehearse(act)


def test_settings_hold_every_kind_of_bait() -> None:
    async def act(desk: Desk) -> None:
        found = [(await desk.get(f"{desk.user(n)}/mailboxSettings")).body for n in range(200)]
        for body in found:
            matches(body, SHAPE)
        replies = {body["automaticRepliesSetting"]["internalReplyMessage"][:1] for body in found}
        assert replies >= {"=", "+", "@", "-", "<", ""}
        assert {type(body["userPurpose"]) for body in found} == {str, dict}
        assert None in {body["language"]["locale"] for body in found}
        assert "Scheduled" in {body["automaticRepliesSetting"]["status"] for body in found}
        assert any("\x1b" in body["automaticRepliesSetting"]["externalReplyMessage"] for body in found)
        assert any("@odata.type" in body["workingHours"]["timeZone"] for body in found)

    rehearse(act)


def test_rules_forward_outside_in_every_way() -> None:
    async def act(desk: Desk) -> None:
        ways: set[str] = set()
        for number in range(200):
            for rule in (await desk.get(f"{desk.user(number)}/mailFolders/inbox/messageRules")).body["value"]:
                ways |= set(rule["actions"])
        assert ways >= {"forwardTo", "redirectTo", "forwardAsAttachmentTo", "moveToFolder", "delete"}

    rehearse(act)


GOOD: list[tuple[dict[str, Any], str, Any]] = [
    ({"language": {"locale": "de-de"}}, "language", {"locale": "de-DE", "displayName": "German (Germany)"}),
    ({"language": {"locale": "nb-NO"}}, "language", {"locale": "nb-NO", "displayName": "nb-NO"}),
    ({"timeZone": "Europe/Berlin"}, "timeZone", "Europe/Berlin"),
    ({"dateFormat": "yyyy-MM-dd"}, "dateFormat", "yyyy-MM-dd"),
    (
        {"delegateMeetingMessageDeliveryOptions": "SENDTODELEGATEONLY"},
        "delegateMeetingMessageDeliveryOptions",
        "sendToDelegateOnly",
    ),
]


def test_good_settings_are_kept_in_their_standard_spelling() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/mailboxSettings"
        for wish, name, value in GOOD:
            assert (await desk.ask("PATCH", path, wish)).body[name] == value
            assert (await desk.get(f"{path}?$select={name}")).body[name] == value
        hours = {"daysOfWeek": ["Monday"], "startTime": "07:00:00", "endTime": "12:00:00", "timeZone": {"name": "UTC"}}
        changed = (await desk.ask("PATCH", path, {"workingHours": hours})).body["workingHours"]
        assert changed["daysOfWeek"] == ["monday"]
        zone = {"@odata.type": "#microsoft.graph.customTimeZone", "name": "Customized Time Zone", "bias": -200}
        changed = (await desk.ask("PATCH", path, {"workingHours": {"timeZone": zone}})).body["workingHours"]
        assert (changed["timeZone"], changed["daysOfWeek"]) == (zone, ["monday"])

    rehearse(act)


def test_mail_is_sent_as_mime_too() -> None:
    async def act(desk: Desk) -> None:
        url = f"{desk.sim.graph_url}/v1.0{desk.user()}/sendMail"
        headers = {"Authorization": f"Bearer {desk.token}", "Content-Type": "text/plain"}
        letter = base64.b64encode(b"Subject: As MIME\r\nTo: a@tenant.example\r\n\r\nhello")
        for content, status in ((letter, 202), (b"no base64!", 400)):
            async with desk.session.post(url, data=content, headers=headers) as response:
                assert response.status == status
        sent = await desk.pages(f"{desk.user()}/mailFolders/sentitems/messages")
        assert sent[0]["subject"] == "As MIME"

    rehearse(act)


def test_an_import_replaces_an_item_or_says_why_not() -> None:
    async def act(desk: Desk) -> None:
        base = f"/admin/exchange/mailboxes/MBX:{desk.sim.tenant.guid(0)}@{desk.sim.tenant_id}"
        letters = await desk.pages(f"{desk.user()}/mailFolders/inbox/messages")
        data = (await desk.ask("POST", f"{base}/exportItems", {"itemIds": [letters[0]["id"]]})).body["value"][0]["data"]
        url = (await desk.ask("POST", f"{base}/createImportSession")).body["importUrl"]
        good = {"FolderId": letters[1]["parentFolderId"], "Mode": "update", "ItemId": letters[1]["id"], "Data": data}
        wrong = [good | {"ItemId": "gone"}, good | {"FolderId": "gone"}, good | {"Data": "?"}, {}]
        for wish, status in ((good, 200), *zip(wrong, (404, 404, 400, 400), strict=True)):
            async with desk.session.post(url, data=json.dumps(wish)) as response:
                assert response.status == status
        assert (await desk.get(f"{desk.user()}/messages/{letters[1]['id']}")).body["subject"] == letters[0]["subject"]

    rehearse(act)
