"""A run that is killed at any request, before it leaves or after it was answered, is run again and comes to the same
end; and what both runs have noted leads back to where it began."""

import asyncio
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from bulkmail.model import Made, Mailbox
from bulkmail.sim.families.settings.content import settings_of
from bulkmail.tasks.settings.fields import SETTINGS, same, value_of
from tests.tasks.rig import Bench, Deadly, Killed, on_bench

PEOPLE = "id,name\n" + "".join(f"k{n},Person {n}\n" for n in range(6))
JOBS: Mapping[str, dict[str, Any]] = {
    "settings.apply": {"time_zone": "Tonga Standard Time", "internal_reply": "Moved", "working_start": "06:15"},
    "contacts.sync": {"contacts": "people.csv", "folder": "Staff"},
    "mail.send": {"campaign": "c", "subject": "s", "body": "b"},
}
REQUESTS = {"settings.apply": 3, "contacts.sync": 9, "mail.send": 3}


def deaths(name: str) -> list[tuple[int, bool]]:
    """Each request at which a run can die, and whether that was answered."""
    return [(fatal, answered) for fatal in range(1, REQUESTS[name] + 1) for answered in (False, True)]


async def killed(bench: Bench, mailbox: Mailbox, fatal: int, *, answered: bool) -> list[Made]:
    """What the ledger of a killed run holds."""
    with pytest.raises(Killed):
        await bench.run_through(Deadly(bench.writing, fatal, answered), mailbox)
    for _ in range(2):  # what had left before is on its way, and then worked off
        await asyncio.sleep(0.02)
        while bench.desk.sim.books()["in_flight"]:  # noqa: ASYNC110 - the books have no event
            await asyncio.sleep(0.02)
    return bench.made


def comparable(bench: Bench, mailbox: Mailbox) -> Any:
    """What a mailbox holds, but for what moves with every write."""
    sim = bench.desk.sim
    contacts = [{**row, "id": ""} for row in sim.contents("contacts", mailbox.address)]
    folders = [row["displayName"] for row in sim.contents("contact_folders", mailbox.address)]
    return contacts, folders


def settings_done(bench: Bench, mailbox: Mailbox) -> bool:
    (stored,) = bench.desk.sim.contents("settings", mailbox.address)
    return bool(stored["timeZone"] == "Tonga Standard Time")


def contacts_done(bench: Bench, mailbox: Mailbox) -> bool:
    keys = [row["key"] for row in bench.desk.sim.contents("contacts", mailbox.address) if row["key"]]
    return sorted(keys) == [f"k{n}" for n in range(6)] and comparable(bench, mailbox)[1].count("Staff") == 1


def mail_done(bench: Bench, mailbox: Mailbox) -> bool:
    rows = [row for row in bench.desk.sim.contents("messages", mailbox.address) if row["key"]]
    return [row["isDraft"] for row in rows] == [False]


DONE: Mapping[str, Callable[[Bench, Mailbox], bool]] = {
    "settings.apply": settings_done,
    "contacts.sync": contacts_done,
    "mail.send": mail_done,
}


@pytest.mark.parametrize("name", JOBS)
def test_a_killed_run_comes_to_the_same_end(name: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")

    async def act(bench: Bench) -> None:
        for number, (fatal, answered) in enumerate(deaths(name)):
            mailbox = bench.mailbox(number)
            undisturbed = [{**row, "state": "done"} for row in await bench.plan(mailbox)]
            earlier = await killed(bench, mailbox, fatal, answered=answered)
            told = await bench.run(mailbox, earlier=earlier)
            assert DONE[name](bench, mailbox), (fatal, answered)
            assert sorted(told, key=str) == sorted(undisturbed, key=str), (fatal, answered)
            await bench.run(mailbox)
            assert bench.writes == []
        mailbox = bench.mailbox(len(deaths(name)))
        await bench.run_through(Deadly(bench.writing, REQUESTS[name] + 1, answered=False), mailbox)
        assert len(bench.requests) == REQUESTS[name], "each request has been the last one"

    books = on_bench(name, tmp_path, act, JOBS[name])
    assert books["effects"]["repeated"] == {}


@pytest.mark.parametrize("name", ["settings.apply", "contacts.sync"])
def test_what_both_runs_noted_leads_back(name: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")

    async def act(bench: Bench) -> None:
        for number, (fatal, answered) in enumerate(deaths(name)):
            mailbox = bench.mailbox(number)
            settings = deepcopy(settings_of(bench.desk.sim.world, number))
            before = comparable(bench, mailbox)
            made = await killed(bench, mailbox, fatal, answered=answered)
            if answered:
                await bench.run(mailbox)
                made += bench.made
                assert all(row["result"] == "restored" for row in await bench.undo(mailbox, made))
            else:
                await bench.undo(mailbox, made)
            assert comparable(bench, mailbox) == before
            (after,) = bench.desk.sim.contents("settings", mailbox.address)
            assert all(same(one, value_of(after, one), value_of(settings, one)) for one in SETTINGS)
            assert {row["result"] for row in await bench.undo(mailbox, made)} <= {"already"}
            assert bench.writes == []

    on_bench(name, tmp_path, act, JOBS[name])
