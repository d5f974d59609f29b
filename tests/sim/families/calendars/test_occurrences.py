"""What is said of one occurrence holds for it alone, until its series recurs in another way."""

from typing import Any

from tests.sim.desk import Desk, rehearse

SERIES: dict[str, Any] = {
    "subject": "Stand-up",
    "start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "UTC"},
    "end": {"dateTime": "2026-03-02T09:15:00", "timeZone": "UTC"},
    "recurrence": {
        "pattern": {"type": "daily", "interval": 1},
        "range": {"type": "noEnd", "startDate": "2026-03-02"},
    },
}


def at(day: int, hour: int) -> dict[str, str]:
    return {"dateTime": f"2026-03-{day:02d}T{hour:02d}:00:00", "timeZone": "UTC"}


class Series:
    def __init__(self, desk: Desk, made: Any) -> None:
        self.desk, self.events, self.id = desk, f"{desk.user()}/events", made["id"]

    async def view(self, first: int, last: int) -> list[Any]:
        """The rows from one day of March up to another."""
        span = f"startDateTime=2026-03-{first:02d}T00:00:00&endDateTime=2026-03-{last:02d}T00:00:00&$top=50"
        rows = await self.desk.pages(f"{self.events}/{self.id}/instances?{span}")
        shown = await self.desk.pages(f"{self.desk.user()}/calendarView?{span}")
        assert [row for row in shown if row["seriesMasterId"] == self.id] == sorted(
            rows, key=lambda row: str(row["start"]["dateTime"])
        )
        return rows


async def begin(desk: Desk) -> Series:
    reply = await desk.ask("POST", f"{desk.user()}/events", SERIES)
    assert reply.status == 201
    return Series(desk, reply.body)


def test_an_occurrence_that_is_changed_is_an_exception_under_its_id() -> None:
    async def act(desk: Desk) -> None:
        series = await begin(desk)
        second = (await series.view(2, 5))[1]
        path = f"{series.events}/{second['id']}"
        changed = await desk.ask("PATCH", path, {"subject": "Later", "start": at(3, 11), "end": at(3, 12)})
        assert changed.status == 200
        assert (changed.body["id"], changed.body["type"]) == (second["id"], "exception")
        assert [(row["subject"], row["type"], row["start"]["dateTime"][8:13]) for row in await series.view(2, 5)] == [
            ("Stand-up", "occurrence", "02T09"), ("Later", "exception", "03T11"), ("Stand-up", "occurrence", "04T09"),
        ]  # fmt: skip
        assert (await desk.get(path)).body["subject"] == "Later"
        master = (await desk.get(f"{series.events}/{series.id}")).body
        assert (master["subject"], "apart" in master) == ("Stand-up", False)
        assert (await desk.ask("PATCH", path, {"location": {"displayName": "Hall"}})).body["subject"] == "Later"

    rehearse(act)


def test_an_occurrence_that_is_moved_is_seen_where_it_is_now() -> None:
    async def act(desk: Desk) -> None:
        series = await begin(desk)
        last = (await series.view(2, 12))[-1]
        await desk.ask("PATCH", f"{series.events}/{last['id']}", {"start": at(3, 15), "end": at(3, 16)})
        assert [row["start"]["dateTime"][8:13] for row in await series.view(2, 4)] == ["02T09", "03T09", "03T15"]
        assert [row["start"]["dateTime"][8:10] for row in await series.view(11, 13)] == ["12"]

    rehearse(act)


def test_an_occurrence_that_is_taken_away_is_not_there_and_the_others_are() -> None:
    async def act(desk: Desk) -> None:
        series = await begin(desk)
        first, second, third = await series.view(2, 5)
        assert (await desk.ask("DELETE", f"{series.events}/{first['id']}")).status == 204
        assert (await desk.ask("POST", f"{series.events}/{second['id']}/cancel", {})).status == 202
        for gone in (first, second):
            assert (await desk.get(f"{series.events}/{gone['id']}")).status == 404
            assert (await desk.ask("PATCH", f"{series.events}/{gone['id']}", {"subject": "Back"})).status == 404
        assert [row["id"] for row in await series.view(2, 5)] == [third["id"]]
        again = await desk.ask("PATCH", f"{series.events}/{series.id}", {"recurrence": SERIES["recurrence"]})
        assert again.status == 200
        assert len(await series.view(2, 5)) == 3

    rehearse(act)


def test_an_occurrence_does_not_recur() -> None:
    async def act(desk: Desk) -> None:
        series = await begin(desk)
        first = (await series.view(2, 3))[0]
        reply = await desk.ask("PATCH", f"{series.events}/{first['id']}", {"recurrence": SERIES["recurrence"]})
        assert (reply.status, reply.code) == (400, "ErrorInvalidRequest")

    rehearse(act)
