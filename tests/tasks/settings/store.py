"""What the tests of settings share: a mailbox's settings in memory, and how they are set and put back."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from bulkmail.graph import Graph
from bulkmail.model import Made, Mailbox, Request, Response, Row
from bulkmail.tasks import check_options
from bulkmail.tasks.settings.apply import settings_apply
from bulkmail.tasks.settings.undo import undo
from bulkmail.testing import Scripted, collect, run
from tests.tasks.rig import ADA, BASE

STORED: Mapping[str, Any] = {
    "@odata.context": "…",
    "timeZone": "UTC",
    "dateFormat": None,
    "timeFormat": "HH:mm",
    "delegateMeetingMessageDeliveryOptions": "SendToDelegateOnly",
    "automaticRepliesSetting": {
        "status": "AlwaysEnabled",
        "externalAudience": "All",
        "internalReplyMessage": "<html>\n<body>\nAway &amp; offline\n</body>\n</html>\n",
        "externalReplyMessage": "",
        "scheduledStartDateTime": {"dateTime": "2026-12-24T17:00:00.0000000", "timeZone": "UTC"},
        "scheduledEndDateTime": {"dateTime": "2027-01-03T17:00:00.0000000", "timeZone": "UTC"},
    },
    "language": {"locale": "de-CH", "displayName": "Deutsch (Schweiz)"},
    "workingHours": {
        "daysOfWeek": ["Monday", "friday"],
        "startTime": "08:00:00.0000000",
        "endTime": "17:00:00.0000000",
        "timeZone": {"@odata.type": "#microsoft.graph.customTimeZone", "name": "Customized Time Zone", "bias": -200},
    },
}
SUPPORTED = [
    *({"alias": name} for name in ("UTC", "Tokyo Standard Time", "Fiji Standard Time", "Customized Time Zone")),
    *({"locale": name} for name in ("de-CH", "en-US", "fr-FR")),
]


class Store:
    """A mailbox's settings that take a PATCH as the service does: member by member."""

    def __init__(self, stored: Mapping[str, Any] = STORED) -> None:
        self.stored: dict[str, Any] = deepcopy(dict(stored))
        self.service = Scripted(self.answer)

    def answer(self, request: Request) -> Response:
        if "/outlook/" in request.path:
            return Response(200, body={"value": SUPPORTED})
        if request.method == "PATCH":
            for name, value in deepcopy(request.body).items():
                old = self.stored.get(name)
                self.stored[name] = {**old, **value} if isinstance(old, dict) else value
        return Response(200, body=deepcopy(self.stored))

    @property
    def writes(self) -> list[Request]:
        return [one for one in self.service.requests if one.method != "GET"]

    @property
    def made(self) -> list[Made]:
        return [Made(one.change) for one in self.writes[::-1] if one.change is not None]


def rows(store: Store, mailbox: Mailbox = ADA, *, planning: bool = False, **options: Any) -> list[Row]:
    graph = Graph.of(mailbox, store.service, BASE, planning=planning)
    return run(collect(settings_apply.run(mailbox, graph, check_options(settings_apply, options))))


def undone(store: Store, made: list[Made], **options: Any) -> list[Row]:
    graph = Graph.of(ADA, store.service, BASE)
    return run(collect(undo(ADA, graph, check_options(settings_apply, options or {"time_zone": "UTC"}), made)))  # type: ignore[arg-type]
