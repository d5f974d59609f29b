"""The settings of an untouched mailbox: computed from (seed, number), varied like those of a real tenant."""

from copy import deepcopy
from functools import lru_cache, partial

import orjson

from bulkmail.sim.families.folders.content import ARCHIVE
from bulkmail.sim.families.folders.kind import FOLDER
from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant import words
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.seeded import mix
from bulkmail.sim.world import World

PACKED = 1 << 14  # mailboxes whose settings are kept as JSON, about 1 KB each: a rehearsal reads them most of all
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
    fresh = bits & 15 == 0  # its owner never signed in
    start, end = SPANS[(bits >> 8) & 3]
    return {
        "archiveFolder": FOLDER.id(number, ARCHIVE),
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


def settings_in(mailbox: Mailbox) -> Json:
    """The settings of this mailbox, to be changed."""
    found = mailbox.objects.get("settings")
    if found is None:
        found = deepcopy(mailbox_settings(mailbox.seed, mailbox.number, mailbox.purpose))
        mailbox.objects["settings"] = found
    return found


def settings_of(world: World, number: int) -> Json:
    """The settings of a mailbox, to be read; computed without a detour for one that was not written to."""
    mailbox = world.mailboxes.written.get(number)
    if mailbox is not None:
        return settings_in(mailbox)
    return mailbox_settings(world.tenant.seed, number, world.tenant.purpose(number))


def context(world: World, number: int, base: str) -> str:
    return f"{base}/$metadata#users('{world.tenant.guid(number)}')/mailboxSettings"


def packed(world: World, number: int, base: str) -> Json | orjson.Fragment:
    """The settings as they go out, with their context: ready-made JSON, unless the mailbox was written to."""
    if number in world.mailboxes.written:
        return {"@odata.context": context(world, number, base), **settings_of(world, number)}
    pack = world.kept.get("settings")
    if pack is None:
        pack = world.kept["settings"] = lru_cache(PACKED)(partial(_pack, world))
    fragment: orjson.Fragment = pack(number, base)
    return fragment


def _pack(world: World, number: int, base: str) -> orjson.Fragment:
    body = {"@odata.context": context(world, number, base), **settings_of(world, number)}
    return orjson.Fragment(orjson.dumps(body))
