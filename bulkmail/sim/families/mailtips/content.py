"""The tips about one address, out of the settings of its mailbox where it is in the tenant."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from bulkmail.sim.families.settings.content import settings_of
from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.people import State
from bulkmail.sim.world import World

LARGEST = 37_748_736  # bytes of a message


def tips(world: World, address: str, options: list[str]) -> Json:
    found: Json = {"emailAddress": {"name": "", "address": address}}
    number = world.tenant.find(address)
    if number < 0 or world.tenant.state(number).absent:
        if "recipientScope" in options and number < 0:
            return found | {"recipientScope": "external"}
        return found | {"error": {"code": "ErrorMailRecipientNotFound", "message": "The recipient was not found."}}
    for option in options:
        found |= TIPS[option](world, number)
    return found


def _replies(world: World, number: int) -> Json:
    """The text for colleagues, while replies are on; the span of a schedule comes along."""
    settings = settings_of(world, number)
    replies = settings["automaticRepliesSetting"]
    status = replies["status"].lower()
    start, end = replies["scheduledStartDateTime"], replies["scheduledEndDateTime"]
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    scheduled = status == "scheduled" and start["dateTime"] <= now < end["dateTime"]
    if status != "alwaysenabled" and not scheduled:
        return {"automaticReplies": {"message": ""}}
    told = {"message": replies["internalReplyMessage"], "messageLanguage": settings["language"]}
    return {"automaticReplies": told | ({"scheduledStartTime": start, "scheduledEndTime": end} if scheduled else {})}


TIPS: Mapping[str, Callable[[World, int], Json]] = {
    "automaticReplies": _replies,
    "mailboxFullStatus": lambda *_: {"mailboxFull": False},
    "customMailTip": lambda *_: {"customMailTip": ""},
    "externalMemberCount": lambda *_: {"externalMemberCount": 0},
    "totalMemberCount": lambda *_: {"totalMemberCount": 1},
    "maxMessageSize": lambda *_: {"maxMessageSize": LARGEST},
    "deliveryRestriction": lambda world, number: {"deliveryRestricted": world.tenant.state(number) is State.DENIED},
    "moderationStatus": lambda *_: {"isModerated": False},
    "recipientScope": lambda *_: {"recipientScope": "internal"},
    "recipientSuggestions": lambda *_: {"recipientSuggestions": []},
}
