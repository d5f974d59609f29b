"""A request of a job: what is read becomes rows; what is written is compared first, noted, and taken back."""

from pathlib import Path
from typing import Any

import pytest

from bulkmail.core.odata import segment
from bulkmail.errors import GraphError, InputError, OutcomeUnknown
from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Response
from bulkmail.sim import Settings
from bulkmail.tasks import check_options
from bulkmail.tasks.request import places
from bulkmail.tasks.request.send import request
from bulkmail.testing import Scripted, collect, run
from bulkmail.testing.store import MemoryStore
from bulkmail.testing.tenant import open_tenant
from tests.tasks.rig import ADA, Bench, on_bench

CALM: dict[str, Any] = {"absent": 0, "denied": 0, "moving": 0}
ZONE = {"method": "PATCH", "path": "/mailboxSettings", "body": {"timeZone": "{Zone}"}, "compare": True}
AUDIT = {"displayName": "Audit", "color": "preset5"}
CATEGORY = {
    "method": "POST", "path": "/outlook/masterCategories", "body": AUDIT, "columns": {"id": "id"}, "effect": "keyed",
    "compare": {"rows": "value", "wanted": {"displayName": "Audit"}},
}  # fmt: skip
TOKYO = {"Zone": "Tokyo Standard Time"}


def zone(bench: Bench, number: int) -> str:
    (settings,) = bench.desk.sim.contents("settings", bench.desk.sim.tenant.address(number))
    return str(settings["timeZone"])


def test_a_place_in_an_answer() -> None:
    answer = {"a": [{"b": {"c@x": 1}}, {"b": None}], "d": "text", "@odata.etag": "W/1"}
    assert places.at(answer, "") == answer
    assert places.at(answer, "a/0/b/c@x") == 1
    assert places.at(answer, "a/b/c@x") == [1, None]
    assert places.at(answer, "@odata.etag") == "W/1"
    for place in ("a/2/b", "d/e", "z", "a/999999999999999999999999"):
        assert places.at(answer, place) is None


def answered(body: Any, **options: Any) -> list[Any]:
    graph = Graph.of(ADA, Scripted(lambda _: Response(200, body=body)), "https://graph.example/v1.0")
    return run(collect(request.run(ADA, graph, check_options(request, {"path": "/x", **options}))))


def test_rows_of_an_answer() -> None:
    assert answered({"a": 1}) == [{"answer": {"a": 1}}]
    assert answered({"value": [{"a": 1}, {"a": 2}]}, rows="value", columns={"n": "a"}) == [{"n": 1}, {"n": 2}]
    assert answered({"value": ["x", "y"]}, rows="value", paging=False) == [{"answer": "x"}, {"answer": "y"}]
    assert answered({"a": {"b": {"c": 7}}}, rows="a/b", columns={"c": "c"}) == [{"c": 7}]
    assert answered(None) == []


@pytest.mark.parametrize("body", [{"a": 1}, b"\xff\xd8"])
def test_an_answer_that_is_not_what_was_asked_for_is_no_empty_report(body: Any) -> None:
    with pytest.raises(GraphError, match=r"NotAsAsked|NotAPage"):
        answered(body, rows="value/0" if isinstance(body, dict) else "")
    with pytest.raises(GraphError, match=r"NotAsAsked|NotAPage"):
        answered(body, rows="value")


def test_all_pages_or_the_first_one(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        number = max(range(20), key=lambda one: len(bench.desk.sim.contents("messages", bench.mailbox(one).address)))
        there = bench.desk.sim.contents("messages", bench.mailbox(number).address)
        assert len(there) > 30
        assert len(await bench.run(bench.mailbox(number))) == len(there)
        assert len(await bench.run(bench.mailbox(number), paging=False)) == 10

    on_bench("request", tmp_path, act, {"path": "/messages", "rows": "value", "columns": {"id": "id"}}, **CALM)


def test_a_plan_an_apply_a_second_one_and_an_undo(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox, before = bench.mailbox(3, TOKYO), zone(bench, 3)
        (planned,) = await bench.plan(mailbox)
        assert planned == {"before": {"timeZone": before}, "after": {"timeZone": TOKYO["Zone"]}, "state": "planned"}
        assert zone(bench, 3) == before
        assert await bench.run(mailbox) == [{**planned, "state": "done"}]
        assert zone(bench, 3) == TOKYO["Zone"]
        made = bench.made
        assert await bench.run(mailbox) == []
        assert bench.writes == []
        assert [row["result"] for row in await bench.undo(mailbox, made, planning=True)] == ["restored"]
        assert [row["result"] for row in await bench.undo(mailbox, made)] == ["restored"]
        assert zone(bench, 3) == before
        assert [row["result"] for row in await bench.undo(mailbox, made)] == ["already"]

    on_bench("request", tmp_path, act, ZONE, **CALM)


def test_what_others_changed_since_is_left_alone(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox = bench.mailbox(3, TOKYO)
        await bench.run(mailbox)
        made = bench.made
        await bench.desk.ask("PATCH", f"{bench.desk.user(3)}/mailboxSettings", {"timeZone": "Romance Standard Time"})
        (row,) = await bench.undo(mailbox, made)
        assert (row["result"], row["found"]) == ("changed", {"timeZone": "Romance Standard Time"})
        assert bench.writes == []

    on_bench("request", tmp_path, act, ZONE, **CALM)


def test_a_thing_that_is_made_once_and_deleted_by_undo(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox = bench.mailbox(3)
        (row,) = await bench.run(mailbox)
        assert (row["before"], row["after"], row["state"]) == (None, {"displayName": "Audit"}, "done")
        made = bench.made
        assert row["id"] == made[0].id
        assert await bench.run(mailbox) == []
        assert [row["result"] for row in await bench.undo(mailbox, made)] == ["restored"]
        there = bench.desk.sim.contents("categories", mailbox.address)
        assert "Audit" not in [row["displayName"] for row in there]
        assert [row["result"] for row in await bench.undo(mailbox, made)] == ["already"]

    on_bench("request", tmp_path, act, CATEGORY, **CALM)


@pytest.mark.parametrize("kind", ["lost", "reset-before"])
def test_a_lost_answer_makes_nothing_twice(tmp_path: Path, kind: str) -> None:
    async def act(bench: Bench) -> None:
        await bench.desk.control(faults=[{"kind": kind, "match": "POST .*masterCategories", "total": 1}])
        (row,) = await bench.run(bench.mailbox(3))
        assert row["id"]
        assert row["state"] == "done"
        names = [one["displayName"] for one in bench.desk.sim.contents("categories", bench.mailbox(3).address)]
        assert names.count("Audit") == 1

    books = on_bench("request", tmp_path, act, CATEGORY, **CALM)
    assert books["faults"] == {kind: 1}


def test_a_post_that_may_have_been_made_is_not_repeated(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await bench.desk.control(faults=[{"kind": "lost", "match": "POST .*contacts", "total": 1}])
        with pytest.raises(OutcomeUnknown):
            await bench.run(bench.mailbox(3))

    options = {"method": "POST", "path": "/contacts", "body": {"givenName": "Ada"}}
    assert on_bench("request", tmp_path, act, options, **CALM)["routes"]["POST /users/{}/contacts"] == {"201": 1}


def test_a_delete_of_what_is_there_and_of_what_is_gone(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        address = bench.desk.sim.tenant.address(3)
        (contact, *others) = bench.desk.sim.contents("contacts", address)
        mailbox = bench.mailbox(3, {"Id": contact["id"]})
        (row,) = await bench.run(mailbox)
        assert row["after"] is None
        assert row["before"]["displayName"] == contact["displayName"]
        assert bench.desk.sim.contents("contacts", address) == others
        made = bench.made
        assert await bench.run(mailbox) == []
        assert bench.writes == []
        assert [row["result"] for row in await bench.undo(mailbox, made)] == ["kept"]

    on_bench("request", tmp_path, act, {"method": "DELETE", "path": "/contacts/{Id}", "compare": True}, **CALM)


def test_a_mailbox_that_is_not_there_is_not_taken_for_a_thing_that_is_gone(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        with pytest.raises(GraphError, match=r"ErrorInvalidUser|Request_ResourceNotFound"):
            await bench.run(Mailbox("nobody@tenant.example", 2))

    on_bench("request", tmp_path, act, {"method": "DELETE", "path": "/contacts/x", "compare": True}, **CALM)


def test_a_refusal_that_means_that_there_is_nothing(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        found = [len(await bench.run(bench.mailbox(number))) for number in range(8)]
        assert set(found) == {0, 1}
        with pytest.raises(GraphError, match="ImageNotFound"):
            await bench.run(bench.mailbox(found.index(0)), ignore_errors=())

    options = {"path": "/photo", "columns": {"width": "width"}, "ignore_errors": ["ImageNotFound"]}
    on_bench("request", tmp_path, act, options, **CALM)


def test_content_is_saved(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for number in range(4):
            bench.store = MemoryStore()
            rows = await bench.run(bench.mailbox(number))
            photo = await bench.desk.get(f"{bench.desk.user(number)}/photo/$value")
            assert [row["bytes"] for row in rows] == ([len(photo.content)] if photo.status == 200 else [])
            assert bench.store.files == ({"photo.jpg": photo.content} if rows else {})

    options = {"path": "/photo/$value", "save": "photo.jpg", "ignore_errors": ["ImageNotFound"]}
    on_bench("request", tmp_path, act, options, **CALM)


def test_what_a_process_that_died_has_written_is_told(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox = bench.mailbox(3, TOKYO)
        wanted = await bench.run(mailbox)
        assert await bench.run(mailbox, earlier=bench.made) == wanted
        assert bench.writes == []

    on_bench("request", tmp_path, act, ZONE, **CALM)


def test_without_compare_it_is_sent_again_and_kept(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox = bench.mailbox(3, TOKYO)
        for _ in range(2):
            (row,) = await bench.run(mailbox)
            assert (row["before"], row["after"]) == (None, {"timeZone": TOKYO["Zone"]})
            assert len(bench.writes) == 1
        assert [row["result"] for row in await bench.undo(mailbox, bench.made)] == ["kept"]

    on_bench("request", tmp_path, act, {**ZONE, "compare": None}, **CALM)


def test_undo_of_a_thing_that_is_gone() -> None:
    made = [Made(Change("POST /outlook/masterCategories", None, AUDIT), "a/b")]
    asked = []

    def answer(one: Any) -> Response:
        asked.append(f"{one.method} {one.path}")
        return Response(404, body={"error": {"code": "ErrorItemNotFound", "message": ""}})

    assert request.undo is not None
    graph = Graph.of(ADA, Scripted(answer), "x")
    (row,) = run(collect(request.undo(ADA, graph, check_options(request, CATEGORY), made)))
    assert row["result"] == "already"
    assert asked == [f"GET /users/{ADA.address}/outlook/masterCategories/{segment('a/b')}"]


def test_an_unknown_column_fails_its_mailbox() -> None:
    graph = Graph.of(ADA, Scripted(lambda _: Response(200)), "x")
    with pytest.raises(InputError, match="has no column 'Zone'"):
        run(collect(request.run(ADA, graph, check_options(request, ZONE))))


def test_a_run_that_reads_and_one_that_writes(tmp_path: Path) -> None:
    def laid(table: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {f"task.{name}": value for name, value in {**table, **more}.items()}

    with open_tenant(tmp_path, Settings(mailboxes=20, **CALM)) as tenant:
        people = laid({"path": "/people", "rows": "value", "columns": {"name": "displayName"}})
        read = tenant.run("request", tmp_path / "read", settings=people)
        assert (read.code, read.manifest["mode"]) == (0, "read"), read.err
        assert len(read.rows) > 20
        assert read.rows[0].keys() == {"mailbox", "name"}
        assert read.manifest["code"].startswith("bulkmail ")
        applied = tenant.run("request", tmp_path / "no", settings={**people, "task.apply": True})
        assert "--apply means nothing there" in applied.err
        utc = laid({"method": "PATCH", "path": "/mailboxSettings", "body": {"timeZone": "UTC"}, "compare": True})
        planned = tenant.run("request", tmp_path / "plan", settings=utc)
        assert (planned.code, planned.manifest["mode"]) == (0, "plan")
        done = tenant.run("request", tmp_path / "apply", settings={**utc, "task.apply": True})
        assert done.manifest["changes"]["done"] == planned.manifest["changes"]["planned"] == len(planned.rows) > 0
        tokyo = {**utc, "task.body": {"timeZone": "Tokyo Standard Time"}, "task.apply": True, "limits.max_changes": 3}
        assert tenant.run("request", tmp_path / "capped", settings=tokyo).manifest["changes"] == {"done": 3}


def test_pre_signed_addresses_come_into_no_row() -> None:
    address = "https://contoso.example/secret"
    item = {"id": "1", "@microsoft.graph.downloadUrl": address, "parts": [{"uploadUrl": address, "importUrl": address}]}
    ways: list[dict[str, Any]] = [
        {"rows": "value"}, {}, {"rows": "value", "columns": {"a": "@microsoft.graph.downloadUrl"}},
        {"rows": "value/0"}, {"rows": "value", "paging": False},
    ]  # fmt: skip
    for options in ways:
        told = answered({"value": [item]}, **options)
        assert told
        assert address not in str(told)
    with pytest.raises(GraphError, match="NotAsAsked"):
        answered({"uploadUrl": address}, rows="uploadUrl")
