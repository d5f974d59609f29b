"""mailboxSettings: every route once, against the documented names, types and statuses."""

from tests.sim.walk import LIST, MAYBE_TEXT, OBJECT, TEXT, Shape, Walk

SETTINGS: Shape = {
    "archiveFolder": TEXT, "timeZone": TEXT, "delegateMeetingMessageDeliveryOptions": TEXT, "dateFormat": MAYBE_TEXT,
    "language": OBJECT, "userPurpose": (str, dict), "workingHours": {"daysOfWeek": LIST, "timeZone": OBJECT},
    "automaticRepliesSetting": {
        "status": TEXT, "externalAudience": TEXT, "internalReplyMessage": TEXT, "externalReplyMessage": TEXT,
        "scheduledStartDateTime": {"dateTime": TEXT, "timeZone": TEXT}, "scheduledEndDateTime": OBJECT,
    },
}  # fmt: skip
SAMPLES = {  # the documented body -> ours
    "mailboxsettings-get": "GET /mailboxSettings",
    "mailboxsettings-workinghours-get-customtimezone": "GET /mailboxSettings/workingHours",
}


async def walk_settings(walk: Walk) -> None:
    await walk.ask("GET", "/mailboxSettings", shape=SETTINGS)
    assert set(await walk.ask("GET", "/mailboxSettings/timeZone")) == {"@odata.context", "value"}
    await walk.ask("GET", "/mailboxSettings/workingHours", shape=SETTINGS["workingHours"])
    changed = await walk.ask("PATCH", "/mailboxSettings", {"timeZone": "UTC"})
    assert set(changed) == {"@odata.context", "timeZone"}


WALKS = (walk_settings,)
