"""What a campaign has made goes, nothing else does, and undo makes it again as it was."""

from pathlib import Path
from typing import Any

import pytest

from bulkmail.sim import Settings
from bulkmail.tasks import find
from bulkmail.tasks.events.cancel import COLUMNS
from bulkmail.testing.tenant import open_tenant
from tests.tasks.events.test_add import CALM, CELLS, CLOSED, PARTY, events, ours
from tests.tasks.rig import Bench, Deadly, Killed, on_bench

SERVICE = ("id", "immutableId", "createdDateTime", "lastModifiedDateTime", "transactionId", "changeKey", "number")


async def added(bench: Bench, options: dict[str, Any], number: int = 0) -> None:
    """The event of `events.add` in a mailbox."""
    task = find("events.add", Path())
    other = Bench(bench.desk, task, task.options(**options), bench.writing, bench.only_planning, [])
    await other.run(bench.mailbox(number, CELLS))


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in SERVICE} for row in rows]


@pytest.mark.parametrize("options", [PARTY, CLOSED], ids=["hours", "days"])
def test_there_and_back(options: dict[str, Any], tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for number in range(6):
            mailbox, before = bench.mailbox(number), events(bench, number)
            assert await bench.run(mailbox) == []
            await added(bench, options, number)
            await added(bench, {**options, "campaign": "another"}, number)
            (event, other) = ours(bench, number)
            planned = await bench.plan(mailbox)
            told = await bench.run(mailbox)
            made = bench.made
            assert [{**row, "state": "planned"} for row in told] == planned
            assert [["mailbox", *row] for row in told] == [list(COLUMNS)]
            assert told[0]["start"][:10] == options["start"][:10]
            assert events(bench, number) == [*before, other]
            assert await bench.run(mailbox) == []
            assert bench.writes == []
            assert {row["result"] for row in await bench.undo(mailbox, made)} == {"restored"}
            (_, back) = ours(bench, number)
            assert plain([back]) == plain([event])
            assert {row["result"] for row in await bench.undo(mailbox, made)} == {"already"}
            assert bench.writes == []
            assert len(await bench.run(mailbox)) == 1
            assert ours(bench, number) == [other]

    books = on_bench("events.cancel", tmp_path, act, {"campaign": options["campaign"]}, **CALM)
    assert books["breaches"] == {}


@pytest.mark.parametrize(
    "change",
    [{"attendees": [{"emailAddress": {"address": "ada@contoso.com"}, "type": "required"}]}, {"hasAttachments": True},
     {"recurrence": {"pattern": {"type": "daily"}, "range": {"type": "noEnd", "startDate": "2026-12-24"}}}],
)  # fmt: skip
def test_one_that_is_in_use_is_told_and_left(change: dict[str, Any], tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await added(bench, CLOSED)
        (event,) = ours(bench)
        if "hasAttachments" in change:
            store = bench.desk.sim.world.mailboxes.write(0).stores["events"]
            store.change(next(item for item in store if item.props["transactionId"]), change)
        else:
            await bench.desk.ask("PATCH", f"{bench.desk.user()}/events/{event['id']}", change)
        (row,) = await bench.run(bench.mailbox())
        assert (row["state"], bench.writes, len(ours(bench))) == ("in_use", [], 1)

    on_bench("events.cancel", tmp_path, act, {"campaign": CLOSED["campaign"]}, **CALM)


def test_a_copy_of_its_owner_goes_as_well_and_both_come_back(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await added(bench, PARTY)
        store = bench.desk.sim.world.mailboxes.write(0).stores["events"]
        store.add(next(item for item in store if item.props["transactionId"]).props | {"transactionId": "copy"}, 1)
        assert len(await bench.run(bench.mailbox())) == 2
        assert ours(bench) == []
        assert [row["result"] for row in await bench.undo(bench.mailbox(), bench.made)] == ["restored"] * 2
        assert len(ours(bench)) == 2

    on_bench("events.cancel", tmp_path, act, {"campaign": PARTY["campaign"]}, **CALM)


@pytest.mark.parametrize("fatal", [1, 2, 3])
@pytest.mark.parametrize("answered", [False, True])
def test_a_killed_run_comes_to_the_same_end(fatal: int, answered: bool, tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await added(bench, PARTY)
        before = plain(events(bench))
        planned = await bench.plan(bench.mailbox())
        with pytest.raises(Killed):
            await bench.run_through(Deadly(bench.writing, fatal, answered), bench.mailbox())
        earlier = bench.made
        told = await bench.run(bench.mailbox(), earlier=earlier)
        assert [{**row, "state": "planned"} for row in told] == planned
        assert ours(bench) == []
        await bench.undo(bench.mailbox(), earlier + bench.made)
        assert plain(events(bench)) == before

    on_bench("events.cancel", tmp_path, act, {"campaign": PARTY["campaign"]}, **CALM)


def test_a_killed_undo_makes_one_event(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await added(bench, PARTY)
        await bench.run(bench.mailbox())
        made = bench.made
        await bench.desk.control(faults=[{"kind": "lost", "match": "POST .*events", "total": 1}])
        assert [row["result"] for row in await bench.undo(bench.mailbox(), made)] == ["restored"]
        assert len(ours(bench)) == 1

    on_bench("events.cancel", tmp_path, act, {"campaign": PARTY["campaign"]}, **CALM)


def test_least_permission(tmp_path: Path) -> None:
    with open_tenant(tmp_path, Settings(mailboxes=20, **CALM)) as tenant:
        tenant.grant("Calendars.ReadWrite")
        apply: Any = {"task.apply": True}
        assert tenant.run("events.add", tmp_path / "a", options=CLOSED, settings=apply).code == 0
        options = {"campaign": CLOSED["campaign"]}
        tenant.grant("Calendars.Read", "User.ReadBasic.All")
        less = tenant.run("events.cancel", tmp_path / "b", options=options, settings={"task.apply": True})
        assert less.code == 4
        assert "Calendars.ReadWrite" in less.err
        tenant.grant("Calendars.ReadWrite")
        done = tenant.run("events.cancel", tmp_path / "c", options=options, settings=apply)
        assert (done.code, len(done.rows)) == (0, 20)
        assert not any(row.get("transactionId") for one in tenant.addresses() for row in tenant.contents("events", one))
