"""Events as the service takes and gives them: zones, days, a transaction that was used, and what is refused."""

from typing import Any

from tests.sim.desk import Desk, rehearse

BERLIN = {"start": {"dateTime": "2026-07-01T10:00", "timeZone": "W. Europe Standard Time"},
          "end": {"dateTime": "2026-07-01T11:00:00", "timeZone": "Europe/Berlin"}}  # fmt: skip
DAY = {"start": {"dateTime": "2026-12-24", "timeZone": "Tokyo Standard Time"},
       "end": {"dateTime": "2026-12-25", "timeZone": "Tokyo Standard Time"}, "isAllDay": True}  # fmt: skip


def zone(name: str) -> dict[str, str]:
    return {"Prefer": f'outlook.timezone="{name}"'}


def test_times_come_in_utc_or_in_the_zone_that_is_preferred() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/events"
        made = (await desk.ask("POST", path, BERLIN)).body
        assert made["start"] == {"dateTime": "2026-07-01T08:00:00.0000000", "timeZone": "UTC"}
        assert (made["originalStartTimeZone"], made["originalEndTimeZone"]) == (
            "W. Europe Standard Time",
            "Europe/Berlin",
        )
        span = "startDateTime=2026-07-01T09:30:00%2B02:00&endDateTime=2026-07-01T10:30:00%2B02:00"
        for got in (
            (await desk.ask("GET", f"{path}/{made['id']}", **zone("tokyo standard time"))).body,
            (await desk.ask("GET", f"{desk.user()}/calendarView?{span}", **zone("tokyo standard time"))).body["value"][
                0
            ],
        ):
            assert got["start"] == {"dateTime": "2026-07-01T17:00:00.0000000", "timeZone": "tokyo standard time"}
        assert (await desk.get(f"{path}/{made['id']}")).body["start"] == made["start"]
        day = (await desk.ask("POST", path, DAY)).body
        assert day["start"] == {"dateTime": "2026-12-24T00:00:00.0000000", "timeZone": "UTC"}
        got = (await desk.ask("GET", f"{path}/{day['id']}", **zone("Hawaiian Standard Time"))).body
        assert got["start"]["dateTime"] == "2026-12-24T00:00:00.0000000"
        assert (await desk.ask("GET", path, **zone("Sundial Time"))).code == "TimeZoneNotSupportedException"

    rehearse(act)


def test_a_transaction_that_was_used_makes_nothing_else() -> None:
    async def act(desk: Desk) -> None:
        path, wish = f"{desk.user()}/events", {"subject": "once", "transactionId": "t", **BERLIN}
        wish |= {"body": {"contentType": "text", "content": "a < b"}}
        made = (await desk.ask("POST", path, wish)).body
        assert "a &lt; b" in made["body"]["content"]
        assert made["bodyPreview"] == "a < b"
        again = await desk.ask("POST", path, wish)
        assert (again.status, again.body["id"]) == (201, made["id"])
        other = await desk.ask("POST", path, wish | {"subject": "twice"})
        assert (other.status, other.code) == (409, "ErrorDuplicateTransactionId")
        for changed, status in (({"transactionId": "u"}, 400), ({"transactionId": "t", "subject": "two"}, 200)):
            assert (await desk.ask("PATCH", f"{path}/{made['id']}", changed)).status == status

    rehearse(act)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"start": {"dateTime": "2026-07-01T10:00"}}, "TimeZoneNotSupportedException"),
    ({"start": {"dateTime": "2026-07-01T10:00", "timeZone": "Mars Standard Time"}}, "TimeZoneNotSupportedException"),
    ({"start": {"dateTime": "soon", "timeZone": "UTC"}}, "RequestBodyRead"),
    ({"start": {"dateTime": 5, "timeZone": "UTC"}}, "RequestBodyRead"),
    ({"end": {"dateTime": "2026-07-01T07:59", "timeZone": "UTC"}}, "ErrorCalendarEndDateIsEarlierThanStartDate"),
    ({"isAllDay": True}, "ErrorInvalidRequest"),
    ({"isAllDay": "yes"}, "RequestBodyRead"),
    ({"showAs": "away"}, "RequestBodyRead"),
    ({"body": {"contentType": "rtf", "content": ""}}, "RequestBodyRead"),
    ({"reminderMinutesBeforeStart": -1}, "ErrorInvalidRequest"),
    ({"colour": "red"}, "RequestBodyRead"),
]


def test_a_wrong_event_is_refused_and_nothing_is_changed() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/events"
        made = (await desk.ask("POST", path, BERLIN)).body
        before = desk.sim.contents("events", desk.sim.tenant.address(0))
        for wish, code in WRONG:
            for method, where, body in (("POST", path, BERLIN | wish), ("PATCH", f"{path}/{made['id']}", wish)):
                reply = await desk.ask(method, where, body)
                assert (reply.status, reply.code) == (400, code), (method, wish)
        for side in ("start", "end"):
            lacking = {name: value for name, value in BERLIN.items() if name != side}
            assert (await desk.ask("POST", path, lacking)).code == "ErrorInvalidRequest"
        assert desk.sim.contents("events", desk.sim.tenant.address(0)) == before
        assert (await desk.get(f"{desk.user()}/calendarView")).status == 400
        assert (await desk.get(f"{desk.user()}/calendarView?startDateTime=x&endDateTime=y")).status == 400

    rehearse(act)
