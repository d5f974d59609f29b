"""What PATCH of the settings takes and refuses, and the variety of what is there."""

from typing import Any

from tests.sim.desk import Desk, rehearse
from tests.sim.families.settings.walk import SETTINGS as SHAPE
from tests.sim.walk import matches

REFUSED_SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"timeZone": "Nowhere"}, "InvalidTimeZone"),
    ({"timeZone": 5}, "RequestBodyRead"),
    ({"userPurpose": "room"}, "ErrorInvalidRequest"),
    ({"mailboxSettings": {"timeZone": "UTC"}}, "ErrorInvalidRequest"),
    ({}, "ErrorInvalidRequest"),
    ({"automaticRepliesSetting": {"status": "sometimes"}}, "RequestBodyRead"),
    ({"automaticRepliesSetting": {"unknown": 1}}, "RequestBodyRead"),
    ({"language": {"locale": "no language"}}, "ErrorInvalidLocale"),
    ({"workingHours": {"startTime": "25:00"}}, "RequestBodyRead"),
    ({"workingHours": {"startTime": "17:00:00.0000000", "endTime": "08:00:00.0000000"}}, "ErrorInvalidTimeSettings"),
    ({"workingHours": {"daysOfWeek": ["someday"]}}, "InvalidArguments"),
    ({"delegateMeetingMessageDeliveryOptions": "nobody"}, "RequestBodyRead"),
    (
        {
            "automaticRepliesSetting": {
                "status": "scheduled",
                "scheduledStartDateTime": {"dateTime": "2026-02-02T00:00:00", "timeZone": "UTC"},
                "scheduledEndDateTime": {"dateTime": "2026-02-01T00:00:00", "timeZone": "UTC"},
            }
        },
        "ErrorInvalidScheduledOofDuration",
    ),
]


def test_settings_are_checked_and_nothing_is_half_written() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/mailboxSettings"
        before = (await desk.get(path)).body
        for wish, code in REFUSED_SETTINGS:
            reply = await desk.ask("PATCH", path, {"dateFormat": "yyyy", **wish} if code[0] != "E" else wish)
            assert (reply.status, reply.code) == (400, code), wish
        assert (await desk.get(path)).body == before
        assert not desk.sim.world.mailboxes.written

    rehearse(act)


def test_settings_merge_and_replies_come_back_as_html() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/mailboxSettings"
        before = (await desk.get(path)).body["automaticRepliesSetting"]
        wish = {"automaticRepliesSetting": {"status": "AlwaysEnabled", "internalReplyMessage": "back at 4711"}}
        changed = (await desk.ask("PATCH", path, wish)).body["automaticRepliesSetting"]
        assert changed["status"] == "alwaysEnabled"
        assert changed["internalReplyMessage"].startswith("<html>")
        assert changed["externalReplyMessage"] == before["externalReplyMessage"]
        assert (await desk.get(path)).body["automaticRepliesSetting"] == changed
        other = (await desk.get(f"{desk.user(1)}/mailboxSettings")).body
        assert "4711" not in other["automaticRepliesSetting"]["internalReplyMessage"]

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


GOOD: list[tuple[dict[str, Any], str, Any]] = [
    ({"language": {"locale": "de-de"}}, "language", {"locale": "de-DE", "displayName": "German (Germany)"}),
    ({"language": {"locale": "nb-NO"}}, "language", {"locale": "nb-NO", "displayName": "Norwegian Bokmål (Norway)"}),
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
