"""What an untouched mailbox has for settings: computed from (seed, n), varied like a real tenant's, bait included."""

from bulkmail.sim import words
from bulkmail.sim.call import Json
from bulkmail.sim.folders import ARCHIVE
from bulkmail.sim.ids import FOLDER, item_id
from bulkmail.sim.seeded import mix

WEEK = ["monday", "tuesday", "wednesday", "thursday", "friday"]
STATUSES = ("disabled",) * 12 + ("alwaysEnabled", "scheduled", "Scheduled", "AlwaysEnabled")
AUDIENCES = ("all", "none", "contactsOnly", "All")


def _working_hours() -> list[Json]:
    zones: list[Json] = [{"name": zone} for zone in words.TIME_ZONES]
    custom: Json = {
        "@odata.type": "#microsoft.graph.customTimeZone",
        "bias": -200,
        "name": "Customized Time Zone",
        "standardOffset": _change(month=10),
        "daylightOffset": {"daylightBias": -60} | _change(month=3),
    }
    return [
        {"daysOfWeek": days, "startTime": begin, "endTime": end, "timeZone": zone}
        for zone in [*zones, custom]
        for days, begin, end in (
            (WEEK, "08:00:00.0000000", "17:00:00.0000000"),
            ([*WEEK, "saturday"], "09:00:00.0000000", "18:30:00.0000000"),
            ([day.title() for day in WEEK[:4]], "07:30:00.0000000", "16:00:00.0000000"),
        )
    ]


def _change(*, month: int) -> Json:
    return {"time": "02:00:00.0000000", "dayOccurrence": 4, "dayOfWeek": "sunday", "month": month, "year": 0}


HOURS = _working_hours()
LANGUAGES: list[Json] = [{"locale": row[0], "displayName": row[1]} for row in words.LANGUAGES]
DELIVERY = ("sendToDelegateOnly", "sendToDelegateAndPrincipal", "sendToDelegateAndInformationToPrincipal")
SPANS = [
    tuple(
        {"dateTime": f"{day}T07:00:00.0000000", "timeZone": zone} for day in (f"20{y}-{m:02d}-14", f"20{y}-{m:02d}-28")
    )
    for y, m, zone in (
        (16, 3, "UTC"),
        (24, 8, "W. Europe Standard Time"),
        (26, 11, "UTC"),
        (27, 1, "Tokyo Standard Time"),
    )
]


def mailbox_settings(seed: int, number: int, purpose: str) -> Json:
    """The whole of `mailboxSettings`. Inner objects are shared: copy before you write."""
    bits = mix(seed, number, 20)
    language = (bits >> 4) % 8
    _, _, date_format, time_format = words.LANGUAGES[language]
    fresh = bits & 15 == 0  # nobody ever signed in
    start, end = SPANS[(bits >> 8) & 3]
    return {
        "archiveFolder": item_id(number, FOLDER, ARCHIVE),
        "timeZone": words.TIME_ZONES[(bits >> 10) % 9],
        "delegateMeetingMessageDeliveryOptions": DELIVERY[(bits >> 14) % 3],
        "dateFormat": None if fresh else date_format,
        "timeFormat": None if fresh else time_format,
        "userPurpose": {"value": purpose} if bits >> 17 & 7 == 0 else purpose,  # both shapes are met
        "automaticRepliesSetting": {
            "status": STATUSES[(bits >> 20) & 15],
            "externalAudience": AUDIENCES[(bits >> 24) & 3],
            "internalReplyMessage": words.REPLIES[(bits >> 26) % 12],
            "externalReplyMessage": words.REPLIES[(bits >> 32) % 12],
            "scheduledStartDateTime": start,
            "scheduledEndDateTime": end,
        },
        "language": {"locale": None, "displayName": None} if fresh else LANGUAGES[language],
        "workingHours": HOURS[(bits >> 38) % len(HOURS)],
    }
