"""Calendars, events and permissions: every route once, against the documented names, types and statuses."""

from io import BytesIO

from tests.sim.walk import LIST, OBJECT, TEXT, TRUTH, Shape, Walk, matches

CALENDAR: Shape = {"id": TEXT, "name": TEXT, "color": TEXT, "changeKey": TEXT, "canEdit": TRUTH, "owner": OBJECT}
EVENT: Shape = {
    "@odata.etag": TEXT, "id": TEXT, "subject": TEXT, "start": {"dateTime": TEXT, "timeZone": TEXT}, "end": OBJECT,
    "attendees": LIST, "organizer": OBJECT, "isAllDay": TRUTH,
}  # fmt: skip
PERMISSION: Shape = {
    "id": TEXT, "isRemovable": TRUTH, "isInsideOrganization": TRUTH, "role": TEXT, "allowedRoles": LIST,
    "emailAddress": OBJECT,
}  # fmt: skip
SPAN = {"start": {"dateTime": "2026-01-02T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-01-02T11:00:00", "timeZone": "UTC"}}  # fmt: skip
LARGE = 3 << 20  # bytes from which on a session is needed
RESPONSES = {"accept": "accepted", "tentativelyAccept": "tentativelyAccepted", "decline": "declined"}
LISTS = {
    "/calendars": CALENDAR,
    "/events": EVENT,
    "/calendar/calendarPermissions": PERMISSION,
}  # what every untouched mailbox has, or may have
SAMPLES = {  # the documented body -> ours
    "calendars-list": "GET /calendars",
    "events-list-timezone": "GET /events",
    "calendarview-list": "GET /calendarView?startDateTime=2000-01-01T00:00:00&endDateTime=2099-01-01T00:00:00",
    "calendarpermission-create-response": "POST /calendar/calendarPermissions",
}


async def walk_calendars(walk: Walk) -> None:
    await walk.rows("/calendars", CALENDAR)
    await walk.ask("GET", "/calendar", shape=CALENDAR)
    made = await walk.ask("POST", "/calendars", {"name": "Ours"}, status=201, shape=CALENDAR)
    await walk.ask("GET", f"/calendars/{made['id']}", shape=CALENDAR)
    for path in ("/calendar", f"/calendars/{made['id']}"):
        changed = await walk.ask("PATCH", path, {"color": "lightBlue"}, shape=CALENDAR)
        assert changed["color"] == "lightBlue"
    span = "startDateTime=2000-01-01T00:00:00&endDateTime=2099-01-01T00:00:00"
    for path in ("/events", "/calendar/events", f"/calendars/{made['id']}/events"):
        event = await walk.ask("POST", path, {"subject": "Meet", **SPAN}, status=201, shape=EVENT)
        await walk.rows(path, EVENT)
        await walk.ask("GET", f"{path}/{event['id']}", shape=EVENT)
        await walk.ask("PATCH", f"{path}/{event['id']}", {"subject": "Meet again"}, shape=EVENT)
        assert "@odata.deltaLink" in await walk.ask("GET", f"{path}/delta")
        daily: Shape = {"pattern": {"type": "daily"}, "range": {"type": "numbered", "startDate": "2026-01-02"}}
        daily["range"] |= {"numberOfOccurrences": 3}
        series = await walk.ask("POST", path, {"recurrence": daily, **SPAN}, status=201, shape=EVENT)
        assert len(await walk.rows(f"{path}/{series['id']}/instances?{span}", EVENT)) == 3
        await walk.rows(f"/calendarView?{span}", EVENT)
        await walk.rows(f"/calendar/calendarView?{span}", EVENT)
        await walk.ask("GET", f"/calendars/{made['id']}/calendarView?{span}", shape={"value": LIST})
        await walk.ask("POST", f"{path}/{event['id']}/cancel", status=202)
        for method, end in (("DELETE", ""), ("POST", "/permanentDelete")):
            event = await walk.ask("POST", path, {"subject": "Meet", **SPAN}, status=201)
            await walk.ask(method, f"{path}/{event['id']}{end}", status=204)
    await walk.ask("DELETE", f"/calendars/{made['id']}", status=204)
    made = await walk.ask("POST", "/calendars", {"name": "Ours"}, status=201)
    await walk.ask("POST", f"/calendars/{made['id']}/permanentDelete", status=204)


def event_paths(calendar: str) -> tuple[str, ...]:
    return "/events", "/calendar/events", f"/calendars/{calendar}/events"


async def walk_responses(walk: Walk) -> None:
    """One event in eight is another person's; only such a one can be answered."""
    calendar = (await walk.rows("/calendars", CALENDAR))[0]["id"]
    invited = await _invitations(walk)
    for path in event_paths(calendar):
        own = await walk.ask("POST", path, {"subject": "Meet", **SPAN}, status=201)
        for verb, response in RESPONSES.items():
            await walk.ask("POST", f"{path}/{own['id']}/{verb}", {"comment": "so"}, status=400)
            number, event = invited.pop()
            walk.base = walk.desk.user(number)
            inner = path.replace(calendar, (await walk.rows("/calendars", CALENDAR))[0]["id"])
            await walk.ask("POST", f"{inner}/{event}/{verb}", {"comment": "so"}, status=202)
            told = await walk.ask("GET", f"/events/{event}", shape=EVENT)
            assert told["responseStatus"]["response"] == response
            assert (event in [row["id"] for row in (await walk.ask("GET", "/events"))["value"]]) == (verb != "decline")
            walk.base = walk.desk.user()
        to = [{"emailAddress": {"address": "fern@tenant.example"}}]
        await walk.ask("POST", f"{path}/{own['id']}/forward", {"ToRecipients": to}, status=202)
        await walk.ask("POST", f"{path}/{own['id']}/forward", {}, status=400)
        wish = {"newReminderTime": {"dateTime": "2026-01-02T09:30:00", "timeZone": "UTC"}}
        await walk.ask("POST", f"{path}/{own['id']}/snoozeReminder", wish)
        assert (await walk.ask("GET", f"{path}/{own['id']}"))["reminderMinutesBeforeStart"] == 30
        await walk.ask("POST", f"{path}/{own['id']}/dismissReminder")
        assert (await walk.ask("GET", f"{path}/{own['id']}"))["isReminderOn"] is False
        assert (await walk.ask("GET", f"{path}/{own['id']}/calendar", shape=CALENDAR))["id"] == calendar
        await walk.ask("POST", f"{path}/{own['id']}/cancel", status=202)
        await walk.ask("GET", f"{path}/{own['id']}/calendar", status=404)


async def _invitations(walk: Walk) -> list[tuple[int, str]]:
    """The mailboxes and ids of nine events of which another person is the organiser."""
    found: list[tuple[int, str]] = []
    for number in range(walk.desk.sim.tenant.size):
        rows = (await walk.desk.get(f"{walk.desk.user(number)}/events")).body["value"]
        found += [(number, row["id"]) for row in rows if not row["isOrganizer"]][:1]
        if len(found) == 9:
            break
    return found


async def walk_event_attachments(walk: Walk) -> None:
    calendar = (await walk.rows("/calendars", CALENDAR))[0]["id"]
    wish = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt", "contentBytes": "aGVsbG8="}
    for path in event_paths(calendar):
        event = await walk.ask("POST", path, {"subject": "Meet", **SPAN}, status=201)
        inner = f"{path}/{event['id']}"
        added = await walk.ask("POST", f"{inner}/attachments", wish, status=201, shape={"id": TEXT, "name": TEXT})
        assert (await walk.ask("GET", inner))["hasAttachments"]
        await walk.rows(f"{inner}/attachments", {"id": TEXT, "contentBytes": TEXT})
        await walk.ask("GET", f"{inner}/attachments/{added['id']}", shape={"contentBytes": TEXT})
        announced = {"AttachmentItem": {"attachmentType": "file", "name": "big.bin", "size": LARGE}}
        session = await walk.ask("POST", f"{inner}/attachments/createUploadSession", announced, status=201)
        headers = {"Content-Range": f"bytes 0-{LARGE - 1}/{LARGE}"}
        async with walk.desk.session.put(session["uploadUrl"], data=BytesIO(bytes(LARGE)), headers=headers) as reply:
            assert reply.status == 201
        assert {row["name"] for row in await walk.rows(f"{inner}/attachments", {})} == {"a.txt", "big.bin"}
        for row in await walk.rows(f"{inner}/attachments", {}):
            await walk.ask("DELETE", f"{inner}/attachments/{row['id']}", status=204)
        await walk.ask("GET", f"{inner}/attachments/{added['id']}", status=404)
        assert not (await walk.ask("GET", inner))["hasAttachments"]


async def walk_permissions(walk: Walk) -> None:
    other = await walk.ask("POST", "/calendars", {"name": "Shared"}, status=201)
    for path in ("/calendar/calendarPermissions", f"/calendars/{other['id']}/calendarPermissions"):
        rows = await walk.rows(path, PERMISSION)
        assert rows[0]["isRemovable"] is False
        wish = {"emailAddress": {"name": "Fern", "address": "fern@tenant.example"}, "role": "read"}
        made = await walk.ask("POST", path, wish, status=201, shape=PERMISSION)
        await walk.ask("POST", path, wish, status=409)
        await walk.ask("GET", f"{path}/{made['id']}", shape=PERMISSION)
        await walk.ask("PATCH", f"{path}/{made['id']}", {"role": "write"}, shape=PERMISSION)
        await walk.ask("DELETE", f"{path}/{made['id']}", status=204)
        await walk.ask("DELETE", f"{path}/{rows[0]['id']}", status=400)
    await walk.ask("DELETE", f"/calendars/{other['id']}", status=204)


async def walk_groups(walk: Walk) -> None:
    shape: Shape = {"id": TEXT, "name": TEXT, "classId": TEXT, "changeKey": TEXT}
    path = "/calendarGroups"
    rows = await walk.rows(path, shape)
    made = await walk.ask("POST", path, {"name": "Ours"}, status=201, shape=shape)
    await walk.ask("POST", path, {"name": "ours"}, status=409)
    await walk.ask("PATCH", f"{path}/{made['id']}", {"name": "Theirs"}, shape=shape)
    await walk.ask("GET", f"{path}/{made['id']}", shape=shape)
    assert (await walk.ask("GET", f"{path}/{made['id']}/calendars"))["value"] == []
    await walk.rows(f"{path}/{rows[0]['id']}/calendars", CALENDAR)
    inside = f"{path}/{rows[0]['id']}/calendars"
    added = await walk.ask("POST", inside, {"name": "Inside"}, status=201, shape=CALENDAR)
    await walk.ask("POST", f"{path}/{made['id']}/calendars", {"name": "Elsewhere"}, status=400)
    await walk.ask("DELETE", f"{path}/{made['id']}", status=204)
    await walk.ask("DELETE", f"{path}/{rows[0]['id']}", status=400)
    event = await walk.ask("POST", f"{inside}/{added['id']}/events", {"subject": "Meet", **SPAN}, status=201)
    assert [row["id"] for row in await walk.rows(f"{inside}/{added['id']}/events", EVENT)] == [event["id"]]
    assert (await walk.ask("GET", f"{inside}/{added['id']}/events/{event['id']}"))["subject"] == "Meet"
    await walk.ask("DELETE", f"{inside}/{added['id']}", status=204)


async def walk_schedule(walk: Walk) -> None:
    await walk.ask("POST", "/events", {"subject": "Meet", "showAs": "oof", **SPAN}, status=201)
    own = walk.desk.sim.tenant.address(0)
    wish = {
        "Schedules": [own, "ada@contoso.com"], "availabilityViewInterval": 60,
        "StartTime": {"dateTime": "2026-01-02T09:00:00", "timeZone": "UTC"},
        "EndTime": {"dateTime": "2026-01-02T12:00:00", "timeZone": "UTC"},
    }  # fmt: skip
    known, unknown = (await walk.ask("POST", "/calendar/getSchedule", wish))["value"]
    assert (known["scheduleId"], known["availabilityView"]) == (own, "030")
    assert {"oof"} <= {item["status"] for item in known["scheduleItems"]}
    assert known["workingHours"]["daysOfWeek"]
    assert unknown["error"]["responseCode"] == "ErrorMailRecipientNotFound"
    wrongs: list[Shape] = [
        {"schedules": []},
        {"endTime": SPAN["start"] | {"dateTime": "2025-01-01"}},
        {"startTime": None},
    ]
    for wrong in wrongs:
        await walk.ask("POST", "/calendar/getSchedule", pairs(wish) | pairs(wrong), status=400)
    reminders = await walk.ask(
        "GET", "/reminderView(startDateTime='2026-01-02T00:00:00',endDateTime='2026-01-03T00:00:00')"
    )
    shape: Shape = {"eventId": TEXT, "eventStartTime": OBJECT, "reminderFireTime": OBJECT, "eventLocation": OBJECT}
    for row in reminders["value"]:
        matches(row, shape)
    assert reminders["value"][-1]["reminderFireTime"]["dateTime"] == "2026-01-02T09:45:00.0000000"
    calendar = f"/calendars/{(await walk.rows('/calendars', CALENDAR))[0]['id']}"
    assert (await walk.ask("POST", f"{calendar}/getSchedule", wish))["value"] == [known, unknown]
    for path in ("/calendar", calendar):
        for address, roles in ((own, 6), ("ada@contoso.com", 3)):
            told = await walk.ask("GET", f"{path}/allowedCalendarSharingRoles(User='{address}')")
            assert len(told["value"]) == roles


def pairs(wish: Shape) -> Shape:
    return {name.lower(): value for name, value in wish.items()}


async def walk_meeting_times(walk: Walk) -> None:
    await walk.ask("POST", "/events", {"subject": "Meet", **SPAN}, status=201)
    found = await walk.ask("POST", "/findMeetingTimes", shape={"emptySuggestionsReason": TEXT})
    assert len(found["meetingTimeSuggestions"]) == 20
    wish: Shape = {
        "attendees": [{"emailAddress": {"address": walk.desk.sim.tenant.address(1)}, "type": "required"}],
        "timeConstraint": {"timeSlots": [SPAN]}, "meetingDuration": "PT30M", "locationConstraint": None,
    }  # fmt: skip
    assert (await walk.ask("POST", "/findMeetingTimes", wish))["meetingTimeSuggestions"] == []
    wish["timeConstraint"]["timeSlots"] = [
        {
            "start": SPAN["start"] | {"dateTime": "2026-01-02T10:00:00"},
            "end": SPAN["end"] | {"dateTime": "2026-01-02T12:00:00"},
        }
    ]
    slots = (await walk.ask("POST", "/findMeetingTimes", wish))["meetingTimeSuggestions"]
    assert [slot["meetingTimeSlot"]["start"]["dateTime"][11:16] for slot in slots] == ["11:00", "11:30"]
    for wrong in ({"meetingDuration": "soon"}, {"attendees": "ada"}, {"maxCandidates": 0}):
        await walk.ask("POST", "/findMeetingTimes", wrong, status=400)


WALKS = (
    walk_calendars, walk_responses, walk_event_attachments, walk_groups, walk_permissions, walk_schedule,
    walk_meeting_times,
)  # fmt: skip
