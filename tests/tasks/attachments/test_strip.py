"""Only what lies saved and whole is taken away, and undo puts all of it back as it was."""

from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import ConfigError, GraphError, InputError
from bulkmail.model import Mailbox, Row
from bulkmail.sim.families.messages.kind import ATTACHMENT
from bulkmail.tasks import check_options
from bulkmail.tasks.attachments.listing import Attachment
from bulkmail.tasks.attachments.options import Saved
from bulkmail.tasks.attachments.putting import RANGE, SMALL, Lost
from bulkmail.tasks.attachments.shelf import is_whole
from bulkmail.tasks.attachments.strip import COLUMNS, attachments_strip
from tests.tasks.attachments.shelf import now, quietest, save, stripping
from tests.tasks.rig import Bench, Deadly, Killed

LARGE = {"attachment": SMALL + RANGE, "choose": quietest}
"""A tenant in which files go back in ranges."""


def states(rows: list[Row]) -> dict[str, int]:
    told = [row["state"] for row in rows]
    return {state: told.count(state) for state in sorted(set(told))}


def results(rows: list[Row]) -> set[str]:
    return {row["result"] for row in rows}


def restorable(row: Row) -> bool:
    """Whether the service takes it back as it is."""
    return bool(row["kind"] == "file" and row["content_type"] and row["name"] and row["name"].isprintable())


@pytest.mark.parametrize("settings", [{}, LARGE], ids=["small", "large"])
def test_a_plan_an_apply_a_second_one_and_an_undo(tmp_path: Path, settings: dict[str, Any]) -> None:
    async def act(bench: Bench, number: int, rows: list[Row]) -> None:
        mailbox, before = bench.mailbox(number), await now(bench.desk, number)
        planned = await bench.plan(mailbox)
        assert len(planned) == sum(row["state"] == "saved" for row in rows) > 0
        assert await now(bench.desk, number) == before
        done = await bench.run(mailbox)
        assert all(row.keys() == COLUMNS.keys() - {"mailbox"} for row in done)
        assert [{**row, "state": "planned"} if row["state"] == "done" else row for row in done] == planned
        made = bench.made
        assert len(made) == states(done)["done"] > 0
        left = await now(bench.desk, number)
        assert len(left) == len(before) - len(made)
        again = await bench.run(mailbox)
        assert bench.writes == []
        assert states(again) == {name: n for name, n in states(done).items() if name != "done"}
        assert results(await bench.undo(mailbox, made, planning=True)) == {"restored"}
        assert await now(bench.desk, number) == left
        assert results(await bench.undo(mailbox, made)) == {"restored"}
        assert await now(bench.desk, number) == before
        assert results(await bench.undo(mailbox, made)) == {"already"}
        assert bench.writes == []

    books = stripping(tmp_path, act, saving={"inline": True}, **settings)
    assert books["links_leaked"] == 0


def test_what_cannot_be_put_back_is_kept(tmp_path: Path) -> None:
    async def act(bench: Bench, number: int, rows: list[Row]) -> None:
        kinds = {row["attachment_id"]: row for row in rows}
        for row in await bench.run(bench.mailbox(number)):
            assert row["state"] == ("done" if restorable(kinds[row["attachment_id"]]) else "kept")

    stripping(tmp_path, act)


def test_what_does_not_lie_whole_is_left(tmp_path: Path) -> None:
    async def act(bench: Bench, number: int, rows: list[Row]) -> None:
        paths = sorted({tmp_path / row["path"] for row in rows if row["path"] and row["bytes"]})
        paths[0].unlink()
        paths[1].write_bytes(paths[1].read_bytes()[:-1])
        paths[2].write_bytes(b"\xff" + paths[2].read_bytes()[1:])
        broken = {str(path.relative_to(tmp_path)) for path in paths[:3]}
        done = await bench.run(bench.mailbox(number))
        assert {row["path"] for row in done if row["state"] == "not_saved"} == broken
        assert len(bench.made) == states(done)["done"] == len(done) - 3
        assert not any(path in str(bench.requests) for path in broken)

    stripping(tmp_path, act, keep=restorable)


def test_what_is_another_one_now_is_left(tmp_path: Path) -> None:
    async def act(bench: Bench, number: int, rows: list[Row]) -> None:
        store = ATTACHMENT.of(bench.desk.sim.world.mailboxes.write(number))
        done = await bench.plan(bench.mailbox(number))
        one = next(row for row in done if row["state"] == "planned")
        path = f"{bench.desk.user(number)}/messages/{one['message_id']}/attachments"
        added = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "new", "contentBytes": "aGVsbG8="}
        await bench.desk.ask("POST", path, added)  # from now on they are kept, and can be changed
        (item,) = [item for item in store if store.id_of(item) == one["attachment_id"]]
        store.change(item, {"size": item.props["size"] + 1})
        told = {row["attachment_id"]: row["state"] for row in await bench.run(bench.mailbox(number))}
        assert told[one["attachment_id"]] == "changed"
        assert sorted(set(told.values())) == ["changed", "done", "kept"]

    stripping(tmp_path, act)


def test_only_what_is_in_the_list_and_of_this_mailbox(tmp_path: Path) -> None:
    async def act(bench: Bench, number: int, rows: list[Row]) -> None:
        assert await bench.run(bench.mailbox((number + 1) % 8)) == []
        done = await bench.run(bench.mailbox(number))
        assert {row["attachment_id"] for row in done} == {row["attachment_id"] for row in rows}

    stripping(tmp_path, act, keep=lambda row: row["message_id"] < "AAMkADAgAAAACAAA")


def test_two_that_look_alike_both_come_back(tmp_path: Path) -> None:
    async def act(bench: Bench, number: int, rows: list[Row]) -> None:
        mailbox = bench.mailbox(number)
        await bench.run(mailbox)
        gone = bench.made
        path = f"{bench.desk.user(number)}/messages/{rows[0]['message_id']}/attachments"
        for text in ("b25l", "dHdv", "b25l"):
            await bench.desk.ask(
                "POST", path, {"@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt", "contentBytes": text}
            )
        before = await now(bench.desk, number)
        again = tmp_path / "again"
        await save(bench.desk, again, number, attachment_name="a.txt")
        bench.options = check_options(attachments_strip, {"saved": "records.ndjson"}, again)
        assert states(await bench.run(mailbox)) == {"done": 3}
        made = bench.made
        assert results(await bench.undo(mailbox, made)) == {"restored"}
        assert await now(bench.desk, number) == before
        assert results(await bench.undo(mailbox, made)) == {"already"}
        assert gone

    stripping(tmp_path, act, keep=lambda row: row["kind"] == "file")


@pytest.mark.parametrize(("answered", "settings"), [(True, {}), (False, {}), (True, LARGE)])
def test_killed_at_any_request_and_gone_on(tmp_path: Path, answered: bool, settings: dict[str, Any]) -> None:
    async def act(bench: Bench, number: int, rows: list[Row]) -> None:
        mailbox, before = bench.mailbox(number), await now(bench.desk, number)
        for fatal in (1, 2):
            wanted = {row["attachment_id"] for row in await bench.plan(mailbox)}
            with pytest.raises(Killed):
                await bench.run_through(Deadly(bench.writing, fatal, answered), mailbox)
            earlier = bench.made
            told = await bench.run(mailbox, earlier=earlier)
            assert {row["attachment_id"] for row in told} == wanted
            assert states(told) == {"done": len(wanted)}
            made = earlier + bench.made
            await bench.undo(mailbox, made)
            assert await now(bench.desk, number) == before
            bench.options = await saved_again(bench, number, tmp_path / f"{fatal}")

    stripping(tmp_path, act, keep=restorable, **settings)


async def saved_again(bench: Bench, number: int, folder: Path) -> Any:
    """Options with the list of what is attached now: what was put back has another id."""
    await save(bench.desk, folder, number, keep=restorable)
    return check_options(attachments_strip, {"saved": "records.ndjson"}, folder)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, {"kind": "lost", "match": "POST .*attachments", "total": 1}),
        ({}, {"kind": "gateway", "match": "POST .*attachments", "total": 1}),
        (LARGE, {"kind": "lost", "match": "PUT /_attachments", "total": 1}),
        (LARGE, {"kind": "reset-before", "match": "PUT /_attachments", "total": 2}),
        (LARGE, {"kind": "lost", "match": "createUploadSession", "total": 1}),
    ],
)
def test_a_lost_answer_puts_nothing_back_twice(tmp_path: Path, settings: dict[str, Any], fault: dict[str, Any]) -> None:
    async def act(bench: Bench, number: int, rows: list[Row]) -> None:
        mailbox, before = bench.mailbox(number), await now(bench.desk, number)
        await bench.run(mailbox)
        made = bench.made
        await bench.desk.control(faults=[fault])
        assert results(await bench.undo(mailbox, made)) == {"restored"}
        assert await now(bench.desk, number) == before

    assert stripping(tmp_path, act, **settings)["faults"] == {fault["kind"]: fault["total"]}


def test_a_message_that_is_gone_and_a_file_that_is_gone(tmp_path: Path) -> None:
    async def act(bench: Bench, number: int, rows: list[Row]) -> None:
        mailbox = bench.mailbox(number)
        done = [row for row in await bench.run(mailbox) if row["state"] == "done"]
        made = bench.made
        gone, kept = done[0], next(row for row in done if row["message_id"] != done[0]["message_id"])
        await bench.desk.ask("POST", f"{bench.desk.user(number)}/messages/{gone['message_id']}/permanentDelete")
        (tmp_path / kept["path"]).unlink()
        told = {row["key"]: row for row in await bench.undo(mailbox, made)}
        assert told[f"attachment:{gone['message_id']}:{gone['attachment_id']}"]["result"] == "gone"
        missing = told[f"attachment:{kept['message_id']}:{kept['attachment_id']}"]
        assert (missing["result"], kept["path"] in missing["found"]) == ("kept", True)
        assert results([*told.values()]) == {"gone", "kept", "restored"}

    stripping(tmp_path, act)


def test_a_refusal_of_one_does_not_keep_the_others(tmp_path: Path) -> None:
    async def act(bench: Bench, number: int, rows: list[Row]) -> None:
        mailbox = bench.mailbox(number)
        fault = {"kind": "status", "status": 400, "code": "ErrorInvalidRequest", "match": "^DELETE", "total": 1}
        await bench.desk.control(faults=[fault])
        with pytest.raises(GraphError, match="ErrorInvalidRequest"):
            await bench.run(mailbox)
        made = bench.made
        assert len(made) == len(bench.writes) - 1 > 0
        await bench.desk.control(faults=[{**fault, "match": "^POST"}])
        with pytest.raises(GraphError, match="ErrorInvalidRequest"):
            await bench.undo(mailbox, made)
        assert results(await bench.undo(mailbox, made)) == {"restored", "already"}

    stripping(tmp_path, act)


HEAD = "mailbox,message_id,attachment_id,size,path,offset,bytes,sha256\n"


@pytest.mark.parametrize(
    "row",
    [
        "a@x.example,m,,1,blobs/a,0,1,ff", "a@x.example,m,a,1,/etc/passwd,0,1,ff", "a@x.example,m,a,1,../a,0,1,ff",
        "a@x.example,m,a,1,blobs/a,0,x,ff", "a@x.example,m,a,1,blobs/a,-1,1,ff", "a@x.example,m,a,,blobs/a,0,1,ff",
    ],
)  # fmt: skip
def test_a_list_that_is_not_one_of_attachments_save(tmp_path: Path, row: str) -> None:
    (tmp_path / "list.csv").write_text(f"{HEAD}{row}\n", encoding="utf-8")
    with pytest.raises((ConfigError, InputError), match=r"row 2 is not one of attachments\.save"):
        check_options(attachments_strip, {"saved": "list.csv"}, tmp_path)


def test_a_list_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("mailbox,subject\na@x.example,Hello\n", encoding="utf-8")
    with pytest.raises((ConfigError, InputError), match=r"row 2 is not one of attachments\.save"):
        check_options(attachments_strip, {"saved": "list.csv"}, tmp_path)


def test_rows_by_their_mailbox_each_once(tmp_path: Path) -> None:
    rows = "A@x.example,m,a,1,blobs/a,0,1,ff\na@X.example,m,a,1,blobs/a,0,1,ff\nb@x.example,m,link,1,,,,\n"
    (tmp_path / "list.csv").write_text(HEAD + rows, encoding="utf-8")
    options: Any = check_options(attachments_strip, {"saved": "list.csv"}, tmp_path)
    assert options.of(Mailbox("a@x.example", 2)) == (Saved("m", "a", 1, "blobs/a", 0, 1, "ff"),)
    assert options.of(Mailbox("b@x.example", 2)) == ()
    again = check_options(attachments_strip, options.model_dump(mode="json"), Path("/elsewhere"))
    assert again.folder == options.folder == tmp_path  # type: ignore[attr-defined]


def test_a_piece_of_a_file_is_found_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"xxhelloyy")
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert is_whole(tmp_path, Saved("m", "a", 5, "a", 2, 5, digest))
    assert not is_whole(tmp_path, Saved("m", "a", 5, "a", 3, 5, digest))
    assert not is_whole(tmp_path, Saved("m", "a", 5, "a", 6, 5, digest))
    assert not is_whole(tmp_path, Saved("m", "a", 5, "b", 2, 5, digest))


def test_what_a_request_says_of_one_without_type_or_id() -> None:
    one = Attachment("a", "a.txt", "file", "", "", False, 5)
    lost = Lost(Saved("m", "a", 5, "a", 0, 5, ""), one, 0)
    assert lost.told == {"name": "a.txt", "isInline": False}
    assert lost.found([]) is None
    assert lost.found([one._replace(id="b")]) is not None
