"""A window shows what touches it, in order and in the zone that is asked for."""

from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import ConfigError, GraphError
from bulkmail.graph import Graph
from bulkmail.model import Response
from bulkmail.sim import Settings
from bulkmail.tasks import check_options
from bulkmail.tasks.events.options import EventsReportOptions
from bulkmail.tasks.events.report import COLUMNS, events_report, row_of, with_start
from bulkmail.tasks.events.times import window
from bulkmail.testing import Scripted, collect, run
from bulkmail.testing.tenant import open_tenant
from tests.tasks.events.test_add import CALM
from tests.tasks.rig import ADA, BASE, Bench, on_bench


def test_every_event_of_a_wide_window_in_order_and_series_by_their_occurrences(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        lasts = {"type": "numbered", "startDate": "2026-01-02", "numberOfOccurrences": 150}
        daily = {"pattern": {"type": "daily", "interval": 1}, "range": lasts}
        span = {"start": {"dateTime": "2026-01-02T10:00", "timeZone": "UTC"},
                "end": {"dateTime": "2026-01-02T11:00", "timeZone": "UTC"}}  # fmt: skip
        await bench.desk.ask("POST", f"{bench.desk.user()}/events", {**span, "recurrence": daily})
        for number in range(6):
            rows = await bench.run(bench.mailbox(number))
            held = bench.desk.sim.contents("events", bench.mailbox(number).address)
            assert len(rows) == sum(150 if one["recurrence"] else 1 for one in held)
            assert [row["start"] for row in rows] == sorted(row["start"] for row in rows)
            assert all(["mailbox", *row] == list(COLUMNS) for row in rows)
            assert {row["time_zone"] for row in rows} <= {"Tokyo Standard Time"}
            whole = {one["start"]["dateTime"][:10] for one in held if not one["recurrence"]}
            assert whole <= {row["start"][:10] for row in rows}

    options = {"start": "2020-01-01", "end": "2035-12-31", "time_zone": "tokyo standard time"}
    on_bench("events.report", tmp_path, act, options, **CALM)


def test_strange_answers() -> None:
    def told(body: Any) -> Any:
        graph = Graph.of(ADA, Scripted(lambda _: Response(200, body={"value": [body]})), BASE)
        options = check_options(events_report, {"start": "2026-01-01"})
        return run(collect(events_report.run(ADA, graph, options)))

    row = told({"id": "x", "start": None, "organizer": {"emailAddress": None}, "attendees": 5, "location": []})[0]
    assert row == dict.fromkeys(list(COLUMNS)[1:]) | {"event_id": "x", "attendees": 0, "categories": []}
    assert row_of({"id": "x", "attendees": [{}, {}]})["attendees"] == 2
    with pytest.raises(GraphError, match="no event"):
        told({"subject": "x"})


@pytest.mark.parametrize(
    ("given", "ends"),
    [
        (("2026-12-24", "", 7), ("2026-12-24T00:00:00Z", "2026-12-31T00:00:00Z")),
        (("2026-12-24", "2026-12-24", 7), ("2026-12-24T00:00:00Z", "2026-12-25T00:00:00Z")),
        (("2026-12-24T12:00+01:00", "2026-12-24T12:00Z", 7), ("2026-12-24T11:00:00Z", "2026-12-24T12:00:00Z")),
    ],
)
def test_the_ends_of_a_window(given: tuple[str, str, int], ends: tuple[str, str]) -> None:
    assert window(*given) == ends


def test_today_is_one_day_for_all_mailboxes() -> None:
    options = run(with_start(None, EventsReportOptions()))  # type: ignore[arg-type]
    assert window(options.start, options.end, options.days)
    assert run(with_start(None, options)) == options  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [{"start": "soon"}, {"start": "2026-12-24", "end": "2026-12-23"}, {"days": 0}, {"time_zone": "Mars"},
     {"time_zone": " "}],
)  # fmt: skip
def test_options_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        check_options(events_report, options)


def test_least_permission(tmp_path: Path) -> None:
    with open_tenant(tmp_path, Settings(mailboxes=20, **CALM)) as tenant:
        tenant.grant("Calendars.ReadBasic")
        done = tenant.run("events.report", tmp_path / "a", options={"start": "2020-01-01", "days": 1825})
        assert done.code == 0
        assert done.rows
        tenant.grant("MailboxSettings.Read", "User.ReadBasic.All")
        less = tenant.run("events.report", tmp_path / "b")
        assert less.code == 4
        assert "Calendars.ReadBasic" in less.err
