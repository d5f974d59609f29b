"""Contacts are those of the list, each once, whatever answers are lost and whoever writes beside us; and go again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import ConfigError, GraphError, InputError
from bulkmail.graph import Graph
from bulkmail.model import Change, Effect, Made, Request, Response, Row
from bulkmail.sim.faults import Fault
from bulkmail.tasks import check_options
from bulkmail.tasks.contact_book import EXTENDED, PROPERTY
from bulkmail.tasks.contacts_sync import COLUMNS, contacts_sync
from bulkmail.testing import Scripted, collect, run
from tests.tasks.rig import ADA, BASE, Bench, error_body, on_bench

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


class Shelf:
    """A folder with one contact that somebody else changes before each of the first `rivals` writes."""

    def __init__(self, rivals: int, theirs: dict[str, Any] | None = None) -> None:
        self.rivals = rivals
        self.theirs = theirs or {}
        self.version = 0
        self.contact = {"id": "c/1", "displayName": "Ada", "jobTitle": None, EXTENDED: [{"id": PROPERTY, "value": "7"}]}
        self.service = Scripted(self.answer)

    def answer(self, request: Request) -> Response:
        body = {**self.contact, "@odata.etag": f'W/"{self.version}"'}
        if request.method == "PATCH":
            if self.rivals:
                self.rivals -= 1
                self.version += 1
                self.contact |= self.theirs
            if request.headers["If-Match"] != f'W/"{self.version}"':
                return Response(412, body=error_body("ErrorIrresolvableConflict"))
            self.contact |= request.body
        elif request.path.partition("?")[0].endswith("/contactFolders"):
            return Response(200, body={"value": [{"id": "f", "displayName": "HELPDESK"}]})
        elif request.path.partition("?")[0].endswith("/contacts"):
            return Response(200, body={"value": [body]})
        return Response(200, body=body)


def synced(folder: Path, service: Scripted, text: str, **options: Any) -> list[Row]:
    listed(folder, text)
    checked = check_options(contacts_sync, {"contacts": "people.csv", "folder": "Helpdesk", **options}, folder)
    return run(collect(contacts_sync.run(ADA, Graph.of(ADA, service, BASE), checked)))


TITLED = "id,name,title\n7,Ada,Analyst\n"


def test_a_rival_makes_it_read_again(tmp_path: Path) -> None:
    shelf = Shelf(rivals=2, theirs={"mobilePhone": "+44 2"})
    assert len(synced(tmp_path, shelf.service, TITLED)) == 1
    assert [one.method for one in shelf.service.requests[2:]] == ["PATCH", "GET", "PATCH", "GET", "PATCH"]
    assert shelf.service.requests[3].path.startswith("/users/ada@example.com/contactFolders/f/contacts/c%2F1?")
    assert shelf.contact["jobTitle"] == "Analyst"
    assert shelf.contact["mobilePhone"] == "+44 2"


def test_a_rival_that_does_the_same_leaves_nothing_to_do(tmp_path: Path) -> None:
    shelf = Shelf(rivals=1, theirs={"jobTitle": "Analyst"})
    synced(tmp_path, shelf.service, TITLED)
    assert [one.method for one in shelf.service.requests[2:]] == ["PATCH", "GET"]


def test_a_rival_without_end_is_no_success(tmp_path: Path) -> None:
    shelf = Shelf(rivals=9)
    with pytest.raises(GraphError, match="ErrorIrresolvableConflict"):
        synced(tmp_path, shelf.service, TITLED)
    assert sum(one.method == "PATCH" for one in shelf.service.requests) == 3


@pytest.mark.parametrize("status", [403, 404])
def test_a_delete_that_is_refused_is_no_success(status: int, tmp_path: Path) -> None:
    shelf = Shelf(rivals=0)
    refusal = Response(status, body=error_body("ErrorFolderNotFound"))
    service = Scripted(lambda request: refusal if request.method == "DELETE" else shelf.answer(request))
    with pytest.raises(GraphError, match="ErrorFolderNotFound"):
        synced(tmp_path, service, "id,name\n", allow_empty=True)


@pytest.mark.parametrize("contact", [None, [], {}, {"id": 5}])
def test_an_answer_that_is_no_contact(contact: Any, tmp_path: Path) -> None:
    def answer(request: Request) -> Response:
        listed = [contact] if "/contacts" in request.path else [{"id": "f", "displayName": "helpdesk"}]
        return Response(200, body={"value": listed})

    with pytest.raises(GraphError, match="NotAContact"):
        synced(tmp_path, Scripted(answer), TITLED)


@pytest.mark.parametrize(("status", "sent"), [(400, 3), (413, 3), (403, 1), (507, 1)])
def test_one_contact_that_is_refused_does_not_keep_out_the_others(status: int, sent: int, tmp_path: Path) -> None:
    """Unless the others would be refused for the same reason."""
    shelf = Shelf(rivals=0)

    def answer(request: Request) -> Response:
        if request.method == "POST" and (status in (403, 507) or request.body["displayName"] == "Bad"):
            return Response(status, body=error_body("ErrorOfSomeKind"))
        return shelf.answer(request)

    service = Scripted(answer)
    with pytest.raises(GraphError, match="ErrorOfSomeKind"):
        synced(tmp_path, service, "id,name\n1,Bad\n2,Good\n3,Good\n7,Ada\n")
    assert sum(one.method == "POST" for one in service.requests) in range(sent, 4)
    assert service.requests[-1].method == "POST"


def test_a_folder_that_appears_in_this_moment(tmp_path: Path) -> None:
    asked = []

    def answer(request: Request) -> Response:
        if request.path.partition("?")[0].endswith("/contactFolders"):
            asked.append(request.method)
            if request.method == "POST":
                return Response(409, body=error_body("ErrorFolderExists"))
            return Response(200, body={"value": [{"id": "f", "displayName": "helpdesk"}] if len(asked) > 1 else []})
        if request.method == "GET":
            return Response(200, body={"value": []})
        return Response(201, body={"id": "x"})

    service = Scripted(answer)
    assert len(synced(tmp_path, service, TITLED)) == 1
    assert asked == ["GET", "POST", "GET"]


def test_a_folder_that_is_refused(tmp_path: Path) -> None:
    """Also one that is said to be there and is not."""
    for status in (403, 409):

        def answer(request: Request, status: int = status) -> Response:
            refusal = Response(status, body=error_body("ErrorOfSomeKind"))
            return refusal if request.method == "POST" else Response(200, body={"value": []})

        with pytest.raises(GraphError, match="ErrorOfSomeKind"):
            synced(tmp_path, Scripted(answer), TITLED)


def test_a_copy_that_somebody_made_goes(tmp_path: Path) -> None:
    shelf = Shelf(rivals=0)

    def answer(request: Request) -> Response:
        response = shelf.answer(request)
        if request.path.partition("?")[0].endswith("/contacts"):
            (one,) = response.body["value"]
            return Response(200, body={"value": [one, {**one, "id": "copy"}]})
        return Response(404, body=error_body("ErrorItemNotFound")) if request.method == "DELETE" else response

    rows = synced(tmp_path, Scripted(answer), "id,name\n7,Ada\n")
    assert rows == [
        {"key": "7", "action": "delete", "before": {"displayName": "Ada"}, "after": None, "state": "done"}
    ], "and one that is gone meanwhile is gone"  # fmt: skip


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("id,name\n", {}, "holds no contact; every one that was synced would be deleted"),
        ("id,name\n,Ada\n", {}, "row 2 has no key"),
        ("id,name\n1,Ada\nX,B\nx,C\n", {}, "rows 3 and 4 have the same key 'x'"),
        ("id,name,mail\n1,Ada,nobody\n", {}, "row 2 has 'nobody', which is no address"),
        ("id,mail\n1,a@b.c;d@e.f;g@h.i;j@k.l\n", {}, "row 2 has 4 addresses; a contact holds 3"),
        ("key,name\n1,Ada\n", {}, "there is no column 'id'"),
        ("id,name\n1,Ada\n", {"columns": {"jobTitle": "Naem"}}, "there is no column 'Naem'; did you mean name?"),
        ("id,colour\n1,red\n", {}, "no column fills a field"),
        ("id,name\n1,Ada\n", {"columns": {"displayName": ""}}, "no column fills a field"),
    ],
)
def test_lists_that_cannot_be_meant(text: str, options: dict[str, Any], said: str, tmp_path: Path) -> None:
    listed(tmp_path, text)
    with pytest.raises(InputError) as caught:
        check_options(contacts_sync, {"contacts": "people.csv", "folder": "F", **options}, tmp_path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"columns": {"jobTite": "x"}}, "task.columns: jobTite is no field of a contact; did you mean jobTitle?"),
        ({"folder": " "}, "task.folder: should not be empty"),
        ({"contacts": 5}, "task.contacts: should be the path of a file"),
        ({"folders": "x"}, "task.folders is no option of contacts.sync; did you mean folder?"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    listed(tmp_path)
    with pytest.raises(ConfigError) as caught:
        check_options(contacts_sync, {**OPTIONS, **options}, tmp_path)
    assert said in str(caught.value)


def test_columns_by_name_and_by_choice(tmp_path: Path) -> None:
    listed(tmp_path, "Ref;First name;Last Name;Mail 1;Mail 2;Office phone;Job title;Firma\n7;Ada;K;a@b.c;d@e.f;1;;X\n")
    columns = {"emailAddresses": ["Mail 1", "Mail 2"], "companyName": "Firma", "jobTitle": ""}
    options: Any = check_options(
        contacts_sync, {**OPTIONS, "key_column": "ref", "columns": columns}, tmp_path
    )  # fmt: skip
    assert options.wanted == {"7": {
        "givenName": "Ada", "surname": "K", "companyName": "X", "businessPhones": ["1"],
        "emailAddresses": [{"address": "a@b.c", "name": "a@b.c"}, {"address": "d@e.f", "name": "d@e.f"}],
    }}  # fmt: skip


def test_an_empty_list_can_be_meant(tmp_path: Path) -> None:
    shelf = Shelf(rivals=0)
    rows = synced(tmp_path, shelf.service, "id,name\n", allow_empty=True)
    assert [(row["key"], row["action"]) for row in rows] == [("7", "delete")]


def test_options_of_an_old_run_need_no_list(tmp_path: Path) -> None:
    listed(tmp_path)
    kept = check_options(contacts_sync, OPTIONS, tmp_path).model_dump(mode="json")
    (tmp_path / "people.csv").unlink()
    assert check_options(contacts_sync, kept).model_dump(mode="json") == kept
