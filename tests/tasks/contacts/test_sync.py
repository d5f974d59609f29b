"""Contacts are those of the list, each once, whatever answers are lost and whoever writes beside us; and go again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import GraphError
from bulkmail.model import Change, Effect, Made
from bulkmail.sim import Fault
from bulkmail.tasks import check_options
from bulkmail.tasks.contacts.sync import COLUMNS, contacts_sync
from tests.tasks.rig import Bench, Settling, on_bench

LIST = '''id,Name,E-Mail,Role,Mobile,Notes
1017,Ada Lovelace,ada@contoso.example,Analyst,+44 1,
1018,Grace O'Hopper,grace@contoso.example; g@contoso.example,Admiral,,"""likes"" bugs"
O'1,Æsa Ü,,,,
'''
OPTIONS = {"contacts": "people.csv", "folder": "Helpdesk", "columns": {"jobTitle": "Role"}}
FIRST = {"displayName": "Ada Lovelace", "emailAddresses": ["ada@contoso.example"], "jobTitle": "Analyst",
         "mobilePhone": "+44 1"}  # fmt: skip


def listed(folder: Path, text: str = LIST) -> None:
    (folder / "people.csv").write_text(text, encoding="utf-8")


def on(folder: Path, act: Callable[[Bench], Any], *, text: str = LIST, **settings: Any) -> dict[str, Any]:
    listed(folder, text)
    return on_bench("contacts.sync", folder, act, OPTIONS, **settings)


def relisted(bench: Bench, folder: Path, text: str) -> dict[str, Any]:
    """The options of another list."""
    listed(folder, text)
    changed: Any = check_options(contacts_sync, OPTIONS, folder)
    return {"contacts": changed.contacts, "wanted": changed.wanted}


def held(bench: Bench, number: int = 0) -> dict[str, Any]:
    """Name to the contact, of those with a key; none may be there twice."""
    rows = [row for row in bench.desk.sim.contents("contacts", bench.mailbox(number).address) if row["key"]]
    found = {row["key"]: row for row in rows}
    assert len(found) == len(rows), "a contact is there twice"
    return found


def folders(bench: Bench, number: int = 0) -> list[str]:
    rows = bench.desk.sim.contents("contact_folders", bench.mailbox(number).address)
    return [row["displayName"] for row in rows if row["displayName"] == "Helpdesk"]


def untouched(bench: Bench, number: int = 0) -> list[Any]:
    rows = bench.desk.sim.contents("contacts", bench.mailbox(number).address)
    return [row for row in rows if not row["key"]]


def test_a_first_time_a_second_time_and_a_plan(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        ada = bench.mailbox()
        others = untouched(bench)
        planned = await bench.plan(ada)
        assert not held(bench)
        assert not folders(bench)
        assert [one.path.split("/", 3)[3] for one in bench.planned] == [
            "contactFolders", *["contactFolders/to-be-made/contacts"] * 3
        ]  # fmt: skip
        told = await bench.run(ada)
        assert told[0] == {"key": "1017", "action": "create", "before": None, "after": FIRST, "state": "done"}
        assert [{**row, "state": "planned"} for row in told] == planned
        assert ["mailbox", *told[0]] == list(COLUMNS)
        assert folders(bench) == ["Helpdesk"]
        grace = held(bench)["1018"]
        assert [one["address"] for one in grace["emailAddresses"]] == ["grace@contoso.example", "g@contoso.example"]
        assert grace["personalNotes"] == '"likes" bugs'
        assert held(bench)["O'1"]["displayName"] == "Æsa Ü"
        assert untouched(bench) == others

        assert await bench.run(ada) == []
        assert bench.writes == []
        assert await bench.plan(ada) == []
        assert len(bench.requests) == 2

    assert on(tmp_path, act)["breaches"] == {}


def test_what_differs_is_mended_and_what_left_the_list_goes(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        ada = bench.mailbox()
        await bench.run(ada)
        text = "id,Name,E-Mail,Role,Mobile,Notes\n1017,Ada King,ada@contoso.example,Analyst,,\n2000,New,,,,\n"
        changed = relisted(bench, tmp_path, text)
        plan = await bench.plan(ada, **changed)
        told = await bench.run(ada, **changed)
        assert [{**row, "state": "planned"} for row in told] == plan
        assert told[0] == {
            "key": "1017", "action": "update", "before": {"displayName": "Ada Lovelace", "mobilePhone": "+44 1"},
            "after": {"displayName": "Ada King"}, "state": "done",
        }  # fmt: skip
        assert [(row["key"], row["action"]) for row in told[1:]] == [
            ("2000", "create"), ("1018", "delete"), ("O'1", "delete")
        ]  # fmt: skip
        assert told[2]["before"]["jobTitle"] == "Admiral"
        assert held(bench).keys() == {"1017", "2000"}
        patch = next(one for one in bench.requests if one.method == "PATCH")
        assert patch.effect is Effect.VERIFIED
        assert patch.headers["If-Match"].startswith('W/"')
        assert patch.change == Change(
            "contact:1017", {"displayName": "Ada Lovelace", "mobilePhone": "+44 1"},
            {"displayName": "Ada King", "mobilePhone": None},
        )  # fmt: skip
        assert await bench.run(ada, **changed) == []

    on(tmp_path, act)


def test_lost_answers_make_nothing_twice(tmp_path: Path) -> None:
    """Each write is struck once: done and its answer lost, done behind a 504, or not done at all behind one."""
    text = "id,name,Role\n" + "".join(f"k{n},Person {n},Clerk\n" for n in range(30))

    async def act(bench: Bench) -> None:
        for number in range(5):
            told = await bench.run(bench.mailbox(number))
            assert len(told) == 30
            assert len(held(bench, number)) == 30
            assert folders(bench, number) == ["Helpdesk"]
            assert await bench.run(bench.mailbox(number)) == []

    faults = (
        Fault("lost", match="^POST .*contacts", share=0.2),
        Fault("gateway", match="^POST .*contacts", share=0.2),
        Fault("status", match="^POST .*contacts", status=504, share=0.2),
        Fault("lost", match="^POST .*contactFolders$", times=1),
    )
    books = on(tmp_path, act, text=text, faults=faults)
    assert min(books["faults"].values()) >= 5
    assert books["effects"]["repeated"] == {}
    assert books["breaches"] == {}


def test_what_is_done_late_is_waited_for(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for number in range(3):
            told = await bench.run_through(Settling(bench.writing, 0.2), bench.mailbox(number))
            assert len(told) == 3
            assert len(held(bench, number)) == 3
            assert folders(bench, number) == ["Helpdesk"]

    late = Fault("late", match="^POST .*contact", seconds=0.08, times=1)
    assert on(tmp_path, act, faults=(late,))["effects"]["repeated"] == {}


def test_an_update_whose_answer_is_lost_is_seen_to_be_done(tmp_path: Path) -> None:
    """It is sent again with an etag that is none any more, and then there is nothing left to write."""

    async def act(bench: Bench) -> None:
        for number in range(4):
            await bench.run(bench.mailbox(number))
        changed = relisted(bench, tmp_path, LIST.replace("Analyst", "Countess"))
        for number in range(4):
            assert len(await bench.run(bench.mailbox(number), **changed)) == 1
            assert [one.method for one in bench.requests] == ["GET", "GET", "PATCH", "GET"]
            assert held(bench, number)["1017"]["jobTitle"] == "Countess"

    books = on(tmp_path, act, faults=(Fault("lost", match="^PATCH", times=1),))
    assert books["faults"]["lost"] == 4
    assert books["effects"]["repeated"] == {}


def test_undo(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        ada = bench.mailbox()
        before = bench.desk.sim.contents("contacts", ada.address)
        await bench.run(ada)
        first, made = held(bench), bench.made
        text = "id,Name,E-Mail,Role,Mobile,Notes\n1017,Ada King,ada@contoso.example,Analyst,,\n2000,New,,,,\n"
        changed = relisted(bench, tmp_path, text)
        await bench.run(ada, **changed)
        second = bench.made
        planned = await bench.undo(ada, second, planning=True)
        undone = await bench.undo(ada, second)
        assert undone == planned
        assert {row["key"]: row["result"] for row in undone} == dict.fromkeys(
            ("contact:1017", "contact:1018", "contact:O'1", "contact:2000"), "restored"
        )
        comparable = {"displayName", "emailAddresses", "jobTitle", "mobilePhone", "personalNotes"}
        assert {key: {name: row[name] for name in comparable} for key, row in held(bench).items()} == {
            key: {name: row[name] for name in comparable} for key, row in first.items()
        }
        assert {row["result"] for row in await bench.undo(ada, second)} == {"already"}
        assert bench.writes == []

        undone = await bench.undo(ada, made)
        assert [row["result"] for row in undone] == ["restored"] * 4
        assert undone[-1] == {"key": "contact folder:Helpdesk", "result": "restored", "restored": None, "found": None}
        assert not folders(bench)
        assert bench.desk.sim.contents("contacts", ada.address) == before
        assert {row["result"] for row in await bench.undo(ada, made)} == {"already"}
        assert {row["result"] for row in await bench.undo(ada, second)} == {"already", "gone"}

    on(tmp_path, act)


def test_undo_leaves_alone_what_others_have_changed(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        ada = bench.mailbox()
        await bench.run(ada)
        made, there = bench.made, held(bench)
        path = f"{bench.desk.user(0)}/contacts"
        folder = next(one.path for one in bench.requests if one.path.endswith("/contacts")).split("/users")[1]
        assert (await bench.desk.ask("PATCH", f"{path}/{there['1017']['id']}", {"jobTitle": "Countess"})).status == 200
        assert (await bench.desk.ask("DELETE", f"{path}/{there['1018']['id']}")).status == 204
        assert (await bench.desk.ask("POST", f"/users{folder}", {"displayName": "Mine"})).status == 201
        rows = {row["key"]: row for row in await bench.undo(ada, made)}
        assert rows["contact:1017"]["result"] == "changed"
        assert rows["contact:1017"]["found"] == FIRST | {"jobTitle": "Countess"}
        assert rows["contact:1018"]["result"] == "already"
        changed = [Made(Change("contact:1018", {"jobTitle": "Captain"}, {"jobTitle": "Admiral"}))]
        assert [row["result"] for row in await bench.undo(ada, changed)] == ["gone"]
        assert rows["contact:O'1"]["result"] == "restored"
        assert rows["contact folder:Helpdesk"]["result"] == "changed"
        assert rows["contact folder:Helpdesk"]["found"] == {"contacts": 2, "folders": 0}
        assert held(bench).keys() == {"1017"}

    on(tmp_path, act)


async def second_folder(bench: Bench, name: str = "Helpdesk") -> str:
    """A folder to which someone else has given the same name: the service refuses only to make one so."""
    path = f"/users/{bench.mailbox().address}/contactFolders"
    made = (await bench.desk.ask("POST", path, {"displayName": "Another"})).body
    await bench.desk.ask("PATCH", f"{path}/{made['id']}", {"displayName": name})
    return str(made["id"])


def test_of_two_folders_with_the_name_the_one_with_our_mark_is_kept(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        ada = bench.mailbox()
        await bench.run(ada)
        await second_folder(bench)
        await second_folder(bench, "helpdesk")
        assert await bench.run(ada) == []
        assert len(held(bench)) == 3

    on(tmp_path, act)


def test_of_two_folders_without_a_mark_the_one_with_contacts_of_ours_is_kept(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        ada = bench.mailbox()
        await second_folder(bench)
        assert len(await bench.run(ada)) == 3, "a single one of that name is taken"
        await second_folder(bench)
        assert await bench.run(ada) == []
        assert len(held(bench)) == 3

    on(tmp_path, act)


def test_of_two_folders_that_are_alike_neither_is_touched(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        ids = [await second_folder(bench), await second_folder(bench)]
        for way in (bench.run, bench.plan):
            with pytest.raises(GraphError, match="2 contact folders are named 'Helpdesk'") as caught:
                await way(bench.mailbox())
            assert caught.value.code == "FolderNotUnique"
            assert all(one in str(caught.value) for one in ids)
        assert held(bench) == {}

    on(tmp_path, act)
