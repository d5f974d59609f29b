"""An event comes into a calendar once, whatever fails or is killed, at the right time there; undo takes it away."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import ConfigError, GraphError, InputError
from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Response
from bulkmail.sim import Fault, Settings
from bulkmail.sim.witness.marks import EXTENDED
from bulkmail.tasks import check_options
from bulkmail.tasks.events.add import COLUMNS, events_add
from bulkmail.tasks.events.event import MARK, event_for, key_of
from bulkmail.testing import Scripted, collect, run
from bulkmail.testing.tenant import open_tenant
from tests.tasks.rig import ADA, BASE, Bench, Deadly, Killed, on_bench

CALM: Mapping[str, Any] = {"seed": 11, "latency": 0.002, "absent": 0.0, "denied": 0.0, "moving": 0.0, "tls": False}
PARTY: dict[str, Any] = {
    "campaign": "party",
    "subject": "Party of  {Team}",
    "start": "2026-07-01T16:00",
    "end": "2026-07-01T18:00",
    "time_zone": "{TimeZone}",
    "body": "Come & see\nus",
    "location": "Quay",
    "show_as": "free",
    "reminder": 30,
    "categories": ["Red category"],
}
CLOSED: dict[str, Any] = {"campaign": "closed", "subject": "Closed", "start": "2026-12-24", "all_day": True,
                          "time_zone": "Tokyo Standard Time"}  # fmt: skip
CELLS = {"Team": "Works", "TimeZone": "W. Europe Standard Time"}


def events(bench: Bench, number: int = 0) -> list[dict[str, Any]]:
    return bench.desk.sim.contents("events", bench.mailbox(number).address)


def ours(bench: Bench, number: int = 0) -> list[dict[str, Any]]:
    return [row for row in events(bench, number) if row.get("transactionId")]


def test_a_first_time_a_second_time_and_back(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for number in range(8):
            mailbox, before = bench.mailbox(number, CELLS), events(bench, number)
            planned = await bench.plan(mailbox)
            assert events(bench, number) == before
            told = await bench.run(mailbox)
            made = bench.made
            assert [{**row, "state": "planned"} for row in told] == planned
            assert [["mailbox", *row] for row in told] == [list(COLUMNS)]
            (event,) = ours(bench, number)
            assert event["start"] == {"dateTime": "2026-07-01T14:00:00.0000000", "timeZone": "UTC"}
            assert event["originalStartTimeZone"] == "W. Europe Standard Time"
            assert (event["subject"], event["showAs"], event["attendees"]) == ("Party of Works", "free", [])
            assert (event["isReminderOn"], event["reminderMinutesBeforeStart"]) == (True, 30)
            assert (event["bodyPreview"], event["location"]["displayName"]) == ("Come & see us", "Quay")
            assert event[EXTENDED] == [{"id": MARK.id, "value": key_of("party", mailbox)}]
            (again,) = await bench.run(mailbox)
            assert (again["action"], again["state"], bench.writes) == ("already", None, [])
            assert again["start"][:16] == "2026-07-01T16:00"
            assert {row["result"] for row in await bench.undo(mailbox, made)} == {"restored"}
            assert events(bench, number) == before
            assert {row["result"] for row in await bench.undo(mailbox, made)} == {"already"}
            assert bench.writes == []

    assert on_bench("events.add", tmp_path, act, PARTY, **CALM)["breaches"] == {}


def test_an_event_of_whole_days_lasts_from_midnight_to_midnight_there(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        (row,) = await bench.run(bench.mailbox(), end="2026-12-26")
        assert (row["start"][:10], row["end"][:10], row["all_day"]) == ("2026-12-24", "2026-12-27", True)
        (event,) = ours(bench)
        assert (event["start"]["dateTime"][:16], event["end"]["dateTime"][:16]) == (
            "2026-12-24T00:00",
            "2026-12-27T00:00",
        )
        assert (event["isAllDay"], event["isReminderOn"]) == (True, False)
        assert {one["result"] for one in await bench.undo(bench.mailbox(), bench.made)} == {"restored"}
        assert ours(bench) == []

    on_bench("events.add", tmp_path, act, CLOSED, **CALM)


def test_the_zone_of_a_mailbox_is_asked_for(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        path = f"{bench.desk.user()}/mailboxSettings"
        await bench.desk.ask("PATCH", path, {"timeZone": "Asia/Tokyo"})
        (row,) = await bench.run(bench.mailbox())
        assert (row["time_zone"], row["start"][:10]) == ("Asia/Tokyo", "2026-12-24")
        bench.desk.sim.world.mailboxes.write(1).objects["settings"] = {"timeZone": "Customized Time Zone"}
        with pytest.raises(InputError, match="row 3: the mailbox has no time zone"):
            await bench.run(bench.mailbox(1))

    options = {**CLOSED, "time_zone": "mailbox"}
    least = events_add.needs(check_options(events_add, options))
    assert list(least.names()) == ["Calendars.ReadWrite", "MailboxSettings.Read"]
    on_bench("events.add", tmp_path, act, options, **CALM)


@pytest.mark.parametrize("fatal", [1, 2])
@pytest.mark.parametrize("answered", [False, True])
def test_a_killed_run_makes_one_event(fatal: int, answered: bool, tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox, before = bench.mailbox(0, CELLS), events(bench)
        planned = await bench.plan(mailbox)
        with pytest.raises(Killed):
            await bench.run_through(Deadly(bench.writing, fatal, answered), mailbox)
        earlier = bench.made
        told = await bench.run(mailbox, earlier=earlier)
        assert [(row["action"], row["state"], row["key"]) for row in told] == [("add", "done", planned[0]["key"])]
        assert len(ours(bench)) == 1
        await bench.undo(mailbox, earlier + bench.made)
        assert events(bench) == before

    on_bench("events.add", tmp_path, act, PARTY, **CALM)


def test_a_lost_answer_makes_one_event(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await bench.desk.control(faults=[{"kind": "lost", "match": "POST .*events", "total": 1}])
        await bench.run(bench.mailbox(0, CELLS))
        assert len(ours(bench)) == 1

    assert on_bench("events.add", tmp_path, act, PARTY, **CALM)["faults"] == {"lost": 1}


def test_a_transaction_that_was_used_for_something_else_makes_nothing(tmp_path: Path) -> None:
    """An event of this campaign is in Deleted Items: the service knows its transaction, and it is not found."""

    async def act(bench: Bench) -> None:
        mailbox = bench.mailbox()
        event = event_for(mailbox, bench.options)  # type: ignore[arg-type]
        body = {name: value for name, value in event.body.items() if name != EXTENDED} | {"subject": "Another"}
        await bench.desk.ask("POST", f"{bench.desk.user()}/events", body)
        with pytest.raises(GraphError, match="give the campaign another name"):
            await bench.run(mailbox)
        assert len(ours(bench)) == 1

    on_bench("events.add", tmp_path, act, CLOSED, **CALM)


@pytest.mark.parametrize(
    "change",
    [{"subject": "Mine"}, {"attendees": [{"emailAddress": {"address": "ada@contoso.com"}, "type": "required"}]},
     {"start": {"dateTime": "2026-12-23", "timeZone": "Tokyo Standard Time"}}],
)  # fmt: skip
def test_what_its_owner_has_changed_since_is_left_alone(change: dict[str, Any], tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await bench.run(bench.mailbox())
        made = bench.made
        (event,) = ours(bench)
        await bench.desk.ask("PATCH", f"{bench.desk.user()}/events/{event['id']}", change)
        (row,) = await bench.undo(bench.mailbox(), made)
        assert (row["result"], bench.writes) == ("changed", [])
        (again,) = await bench.run(bench.mailbox())
        assert (again["action"], bench.writes) == ("already", [])

    on_bench("events.add", tmp_path, act, CLOSED, **CALM)


def test_keys_know_the_campaign_and_the_mailbox_and_transactions_the_row() -> None:
    options: Any = check_options(events_add, CLOSED)
    one, other = (event_for(Mailbox(name, 2), options) for name in ("ADA@contoso.com", "alan@contoso.com"))
    same = event_for(Mailbox("ada@contoso.com", 2), options)
    assert (one.key, one.transaction) == (same.key, same.transaction)
    assert len({one.key, other.key, one.transaction, other.transaction}) == 4
    moved = event_for(Mailbox("ada@contoso.com", 3), options)
    assert (moved.key, moved.transaction != one.transaction) == (one.key, True)
    renamed = event_for(Mailbox("ada@contoso.com", 2), options.model_copy(update={"campaign": "other"}))
    assert renamed.key != one.key


@pytest.mark.parametrize(
    ("cells", "told"),
    [({"Team": "x"}, "no column 'TimeZone'"), ({"Team": "x", "TimeZone": " "}, "row 2: time_zone: should be"),
     ({"Team": "x", "TimeZone": "Mars"}, "row 2: time_zone: 'Mars' is not a time zone")],
)  # fmt: skip
def test_a_cell_that_is_no_zone_fails_its_mailbox(cells: dict[str, str], told: str) -> None:
    options: Any = check_options(events_add, PARTY)
    with pytest.raises(InputError, match=told):
        event_for(Mailbox("ada@contoso.com", 2, columns=cells), options)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"start": "2026-07-01"}, "time of day"),
        ({"start": "2026-07-01T16:00+02:00"}, "no offset"),
        ({"end": "2026-07-01T16:00"}, "after start"),
        ({"end": ""}, "end is missing"),
        ({"start": "soon"}, "start should be a date"),
        ({"all_day": True}, "midnight"),
        ({"time_zone": "Customized Time Zone"}, "time_zone: should be a time zone"),
        ({"time_zone": "W. Europe Standart Time"}, "did you mean W. Europe Standard Time"),
        ({"subject": "a {b"}, "brace without its partner"),
        ({"reminder": -1}, "reminder"),
        ({"show_as": "away"}, "show_as"),
        ({"attendees": ["ada@contoso.com"]}, "is not an option"),
        ({"campaign": ""}, "campaign"),
    ],
)
def test_options_that_make_no_sense(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_options(events_add, {**PARTY, **wrong})


def test_whole_days_in_no_particular_zone_are_warned_of() -> None:
    given = {name: value for name, value in CLOSED.items() if name != "time_zone"}
    assert check_options(events_add, given).warnings()
    assert not check_options(events_add, CLOSED).warnings()
    assert check_options(events_add, CLOSED).model_dump()["start"] == "2026-12-24"


def test_faults_and_least_permissions(tmp_path: Path) -> None:
    faults = (Fault("throttle", share=0.05), Fault("lost", share=0.1, match="POST .*events"))
    with open_tenant(tmp_path, Settings(mailboxes=25, faults=faults, **CALM)) as tenant:
        tenant.grant("Calendars.ReadWrite", "MailboxSettings.Read")
        given: Any = {
            "options": {**CLOSED, "time_zone": "mailbox"},
            "settings": {"task.apply": True, "limits.settle": 0.1, "limits.batch": 0},
        }
        assert tenant.run("events.add", tmp_path / "a", **given).code == 0
        for address in tenant.addresses():
            assert sum(bool(row.get("transactionId")) for row in tenant.contents("events", address)) == 1
        again = tenant.run("events.add", tmp_path / "b", **given)
        assert (again.code, again.manifest["changes"]) == (0, {})
        tenant.grant("Calendars.ReadWrite", "User.ReadBasic.All")
        less = tenant.run("events.add", tmp_path / "c", options=given["options"])
        assert less.code == 4
        assert "MailboxSettings.Read" in less.err


def scripted(*answers: Response) -> tuple[list[Any], list[str]]:
    """The rows of an apply whose requests are answered in this order, and the methods of these requests."""
    coming = iter(answers)
    service = Scripted(lambda _: next(coming))
    graph = Graph.of(ADA, service, BASE)
    rows = run(collect(events_add.run(ADA, graph, check_options(events_add, CLOSED))))
    return rows, [one.method for one in service.requests]


def refused(status: int, code: str) -> Response:
    return Response(status, body={"error": {"code": code, "message": "no"}})


@pytest.mark.parametrize("status", [400, 409])
def test_a_transaction_that_was_used_and_an_event_that_is_found_after_all(status: int) -> None:
    """The service knew of it before it could be found."""
    found = Response(200, body={"value": [{"id": "x"}]})
    rows, methods = scripted(Response(200, body={"value": []}), refused(status, "ErrorDuplicateTransactionId"), found)
    assert (rows[0]["action"], methods) == ("add", ["GET", "POST", "GET"])


def test_any_other_refusal_is_the_mailboxs_own() -> None:
    with pytest.raises(GraphError, match="TimeZoneNotSupportedException"):
        scripted(Response(200, body={"value": []}), refused(400, "TimeZoneNotSupportedException"))
