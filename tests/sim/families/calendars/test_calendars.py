"""Calendars and events: changed, repeated, cancelled, and not made twice."""

from typing import Any

from tests.sim.desk import Desk, rehearse
from tests.sim.families.calendars.walk import SPAN


def test_an_event_with_a_known_transaction_is_not_made_twice() -> None:
    async def act(desk: Desk) -> None:
        moment = {"dateTime": "2026-01-02T10:00:00", "timeZone": "UTC"}
        wish = {"subject": "once", "start": moment, "end": moment, "transactionId": "t1"}
        first, second = [await desk.ask("POST", f"{desk.user()}/events", wish) for _ in range(2)]
        assert first.body["id"] == second.body["id"]

    rehearse(act)


def test_a_calendar_is_renamed_unless_the_name_is_taken() -> None:
    async def act(desk: Desk) -> None:
        made = (await desk.ask("POST", f"{desk.user()}/calendars", {"name": "Ours"})).body
        own = f"{desk.user()}/calendars/{made['id']}"
        changed = await desk.ask("PATCH", own, {"name": "Theirs", "color": "lightGreen"})
        assert (changed.status, changed.body["name"], changed.body["color"]) == (200, "Theirs", "lightGreen")
        assert (await desk.get(own)).body["name"] == "Theirs"
        assert (await desk.ask("PATCH", own, {"name": "calendar"})).status == 409
        for wish, code in (({"name": ""}, "ErrorInvalidRequest"), ({"owner": {}}, "RequestBodyRead")):
            assert (await desk.ask("PATCH", own, wish)).code == code
        assert (await desk.ask("PATCH", f"{desk.user()}/calendar", {"name": "Calendar"})).status == 200

    rehearse(act)


def test_a_cancelled_event_is_in_no_calendar_and_can_still_be_deleted() -> None:
    async def act(desk: Desk) -> None:
        base = f"{desk.user()}/events"
        made = (await desk.ask("POST", base, {"subject": "Meet", **SPAN})).body
        assert (await desk.ask("POST", f"{base}/{made['id']}/cancel", {"Comment": "sorry"})).status == 202
        assert made["id"] not in [row["id"] for row in await desk.pages(base)]
        view = f"{desk.user()}/calendarView?startDateTime=2026-01-01T00:00:00&endDateTime=2026-02-01T00:00:00"
        assert made["id"] not in [row["id"] for row in await desk.pages(view)]
        assert (await desk.get(f"{base}/{made['id']}")).body["isCancelled"]
        assert (await desk.ask("POST", f"{base}/{made['id']}/cancel")).status == 404
        assert (await desk.ask("DELETE", f"{base}/{made['id']}")).status == 204
        assert (await desk.get(f"{base}/{made['id']}")).status == 404

    rehearse(act)


def series(pattern: dict[str, Any], **span: Any) -> dict[str, Any]:
    return {"pattern": {"interval": 1, **pattern}, "range": {"type": "noEnd", "startDate": "2026-01-02", **span}}


PATTERNS: list[tuple[dict[str, Any], list[str]]] = [
    (series({"type": "daily", "interval": 3}), ["01-02", "01-05", "01-08"]),
    (series({"type": "weekly", "daysOfWeek": ["monday", "Friday"]}), ["01-02", "01-05", "01-09"]),
    (series({"type": "weekly", "daysOfWeek": ["friday"], "interval": 2}), ["01-02", "01-16", "01-30"]),
    (series({"type": "absoluteMonthly", "dayOfMonth": 31}), ["01-31", "02-28", "03-31"]),
    (series({"type": "relativeMonthly", "daysOfWeek": ["tuesday"], "index": "last"}), ["01-27", "02-24", "03-31"]),
    (series({"type": "relativeMonthly", "daysOfWeek": ["friday"]}), ["01-02", "02-06", "03-06"]),
    (series({"type": "absoluteYearly", "dayOfMonth": 5, "month": 4}), ["04-05"]),
    (series({"type": "relativeYearly", "daysOfWeek": ["sunday"], "month": 2, "index": "second"}), ["02-08"]),
    (series({"type": "daily"}, type="endDate", endDate="2026-01-03"), ["01-02", "01-03"]),
    (series({"type": "daily"}, type="numbered", numberOfOccurrences=1), ["01-02"]),
]


def test_a_series_shows_its_occurrences_in_a_span_of_time() -> None:
    async def act(desk: Desk) -> None:
        base = f"{desk.user()}/calendar/events"
        for recurrence, dates in PATTERNS:
            made = (await desk.ask("POST", base, {"subject": "Meet", "recurrence": recurrence, **SPAN})).body
            assert made["type"] == "seriesMaster"
            assert made["recurrence"]["pattern"].items() >= {"interval": recurrence["pattern"]["interval"]}.items()
            span = "startDateTime=2026-01-01T00:00:00&endDateTime=2026-12-31T00:00:00&$top=1000"
            found = (await desk.get(f"{base}/{made['id']}/instances?{span}")).body["value"]
            assert [row["start"]["dateTime"][5:10] for row in found][: len(dates)] == dates, recurrence
            assert {(row["type"], row["seriesMasterId"]) for row in found} == {("occurrence", made["id"])}
            view = await desk.pages(f"{desk.user()}/calendarView?{span}")
            assert {row["id"] for row in found} <= {row["id"] for row in view}
            assert made["id"] not in {row["id"] for row in view}
            last = (await desk.get(f"{base}/{found[-1]['id']}")).body
            assert last["start"] == found[-1]["start"]
            ended = await desk.ask("PATCH", f"{base}/{made['id']}", {"recurrence": None})
            assert ended.body["type"] == "singleInstance"
            assert (await desk.get(f"{base}/{found[-1]['id']}")).status == 404

    rehearse(act)


WRONG: list[tuple[Any, str]] = [
    ("daily", "RequestBodyRead"),
    ({"pattern": {"type": "daily"}}, "ErrorInvalidRequest"),
    (series({"type": "hourly"}), "RequestBodyRead"),
    (series({"type": "daily", "interval": 0}), "RequestBodyRead"),
    (series({"type": "weekly"}), "ErrorInvalidRequest"),
    (series({"type": "weekly", "daysOfWeek": ["someday"]}), "RequestBodyRead"),
    (series({"type": "absoluteYearly", "dayOfMonth": 5}), "ErrorInvalidRequest"),
    (series({"type": "daily"}, startDate="soon"), "RequestBodyRead"),
    (series({"type": "daily"}, type="endDate", endDate="2025-01-01"), "ErrorRecurrenceHasNoOccurrence"),
    (series({"type": "daily"}, type="numbered"), "ErrorRecurrenceHasNoOccurrence"),
]


def test_a_wrong_series_is_refused() -> None:
    async def act(desk: Desk) -> None:
        for recurrence, code in WRONG:
            reply = await desk.ask("POST", f"{desk.user()}/events", {"recurrence": recurrence, **SPAN})
            assert (reply.status, reply.code) == (400, code), recurrence

    rehearse(act)
