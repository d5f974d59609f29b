"""Attachments are saved byte for byte, whatever they are called, however often their streams break off."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import GraphError
from bulkmail.model import Checkpoint, Row
from bulkmail.sim import Fault, Settings
from bulkmail.sink.names import safe_name
from bulkmail.tasks import check_options
from bulkmail.tasks.attachments.earlier import MOST, SAVED, Earlier
from bulkmail.tasks.attachments.listing import Attachment
from bulkmail.tasks.attachments.save import COLUMNS, COMMITTED, SAME_MOMENT, Progress, attachments_save
from bulkmail.tasks.messages.walk import IMMUTABLE, Message
from bulkmail.testing.store import MemoryStore
from bulkmail.testing.tenant import open_tenant
from tests.tasks.attachments.shelf import CALM, busiest, held
from tests.tasks.rig import Bench, on_bench

FAULTS = (
    Fault("reset-in-body", match="value", share=0.15),
    Fault("truncated", match="value", share=0.1),
    Fault("lost", match="attachments", share=0.05),
)


@pytest.mark.parametrize("ranges", [True, False])
def test_all_is_saved_whatever_breaks_off(tmp_path: Path, ranges: bool) -> None:
    async def act(bench: Bench) -> None:
        for number in (4, 7):
            wanted = held(bench.desk.sim.world, number)
            bench.store = MemoryStore()
            rows = await bench.run(bench.mailbox(number))
            assert {(row["message_id"], row["attachment_id"]) for row in rows} == wanted.keys()
            files = {f"blobs/2-ada@contoso.com/{name}": content for name, content in bench.store.files.items()}
            assert len(files) == sum(row["state"] == "saved" for row in rows)
            for row in rows:
                one = wanted[row["message_id"], row["attachment_id"]]
                assert row["name"] == one.props["name"]
                assert row["content_type"] == (one.props["contentType"] or "")
                if one.content is None:
                    assert (row["kind"], row["state"], row["path"]) == ("reference", "link", None)
                else:
                    assert files[row["path"]] == one.content
                    assert (row["state"], row["bytes"]) == ("saved", len(one.content))

    settings = {**CALM, "faults": FAULTS, "ranges": ranges, "attachment": 300_000}
    books = on_bench("attachments.save", tmp_path, act, {"inline": True}, **settings)
    assert ("206" in books["routes"]["GET /users/{}/messages/{}/attachments/{}/$value"]) is ranges
    assert {"reset-in-body", "truncated"} <= books["faults"].keys()
    assert not books["breaches"]


def test_a_run_leaves_a_file_for_each(tmp_path: Path) -> None:
    with open_tenant(tmp_path, Settings(**CALM)) as tenant:
        done = tenant.run("attachments.save", tmp_path / "job")
        assert done.code == 0, done.err
        for row in done.rows:
            assert row.keys() == COLUMNS.keys()
            if row["state"] == "saved":
                content = (done.folder / row["path"]).read_bytes()
                assert (len(content), sha256(content).hexdigest()) == (row["bytes"], row["sha256"])
        files = [path for path in (done.folder / "blobs").rglob("*") if path.is_file()]
        assert len(files) == sum(row["state"] == "saved" for row in done.rows) > 10


SELECTIONS: list[tuple[dict[str, Any], Callable[[Mapping[str, Any]], bool]]] = [
    ({}, lambda one: not one["isInline"]),
    ({"inline": True}, lambda one: True),
    ({"kinds": ["item"]}, lambda one: "item" in one["@odata.type"]),
    ({"kinds": ["file"], "inline": True}, lambda one: "file" in one["@odata.type"]),
    ({"attachment_name": [".PDF", "passwd"]}, lambda one: ".pdf" in one["name"] or "passwd" in one["name"]),
    ({"attachment_type": "text/"}, lambda one: (one["contentType"] or "").startswith("text/")),
    ({"attachment_min_size": 2000}, lambda one: one["size"] >= 2000 and not one["isInline"]),
    ({"attachment_max_size": 2000}, lambda one: one["size"] <= 2000 and not one["isInline"]),
]


def test_those_that_are_meant_and_no_others(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        there = held(bench.desk.sim.world, 7)
        for options, holds in SELECTIONS:
            bench.options, bench.store = check_options(attachments_save, options), MemoryStore()
            wanted = {ids for ids, one in there.items() if holds(one.props)}
            rows = await bench.run(bench.mailbox(7))
            assert wanted
            assert {(row["message_id"], row["attachment_id"]) for row in rows} == wanted, options

    on_bench("attachments.save", tmp_path, act, {}, **CALM)


def test_messages_are_selected_as_messages_find_selects_them(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        number = busiest(bench.desk)
        rows = await bench.run(bench.mailbox(number))
        assert rows
        assert all(row["received"] >= "2024" and row["folder"] == "Inbox" for row in rows)

    options = {"received_from": "2024-01-01", "folders": "inbox"}
    on_bench("attachments.save", tmp_path, act, options, **CALM)


def test_one_that_cannot_be_read_does_not_keep_the_others(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        number = busiest(bench.desk)
        whole = await bench.run(bench.mailbox(number))
        fault = {"kind": "status", "status": 400, "code": "ErrorCorruptData", "match": "value", "total": 1}
        await bench.desk.control(faults=[fault])
        told: list[Any] = []

        async def collecting() -> None:
            async for row in bench.rows(bench.mailbox(number)):
                if not isinstance(row, Checkpoint):
                    told.append(row)  # noqa: PERF401 - it ends with an error

        with pytest.raises(GraphError, match="ErrorCorruptData"):
            await collecting()
        assert len(told) == len(whole) - 1

    on_bench("attachments.save", tmp_path, act, {}, **CALM)


def test_what_was_saved_of_a_mailbox_that_fails_stays(tmp_path: Path) -> None:
    fault = Fault("status", status=400, code="ErrorCorruptData", match="value", total=1)
    with open_tenant(tmp_path, Settings(**{**CALM, "mailboxes": 3}, faults=(fault,))) as tenant:
        done = tenant.run("attachments.save", tmp_path / "job", options={"kinds": ["file"]})
        (failed,) = [address for address, status in done.statuses().items() if status == "failed"]
        wanted = held(tenant.simulator.world, tenant.addresses().index(failed)).values()
        files = [one for one in wanted if "file" in one.props["@odata.type"] and not one.props["isInline"]]
        rows = [row for row in done.rows if row["mailbox"] == failed]
        assert len(rows) == len(files) - 1 > 0
        assert all((done.folder / row["path"]).stat().st_size == row["bytes"] for row in rows)


def test_a_mailbox_that_has_failed_does_so_when_it_is_gone_on_with(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        bench.store = MemoryStore(checkpoint={"refused": [400, "ErrorCorruptData", "It is damaged."]})
        with pytest.raises(GraphError, match="ErrorCorruptData"):
            await bench.run(bench.mailbox(4))
        assert bench.requests == []

    on_bench("attachments.save", tmp_path, act, {}, **CALM)


def test_one_that_goes_in_this_moment(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        fault = {"kind": "status", "status": 404, "code": "ErrorItemNotFound", "match": "value", "total": 1}
        await bench.desk.control(faults=[fault])
        rows = await bench.run(bench.mailbox(busiest(bench.desk)))
        assert [row["path"] for row in rows if row["state"] == "gone"] == [None]

    on_bench("attachments.save", tmp_path, act, {}, **CALM)


def test_it_goes_on_at_its_checkpoint(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox = bench.mailbox(busiest(bench.desk))
        rows = await bench.run(mailbox)
        messages = list(dict.fromkeys(row["message_id"] for row in rows))
        half = messages[: len(messages) // 2]
        (received, *_) = [row["received"] for row in rows if row["message_id"] == half[-1]]
        ids = [one for one in half if next(row for row in rows if row["message_id"] == one)["received"] == received]
        bench.store = MemoryStore(checkpoint={"received": received, "ids": ids})
        assert await bench.run(mailbox) == [row for row in rows if row["message_id"] not in half]
        refused = [400, "ErrorCorruptData", "It is damaged."]
        bench.store = MemoryStore(checkpoint={"received": received, "ids": ids, "refused": refused})
        with pytest.raises(GraphError, match="ErrorCorruptData"):
            await bench.run(mailbox)
        assert bench.store.files

    on_bench("attachments.save", tmp_path, act, {}, **CALM)


async def saved_since(bench: Bench, number: int) -> list[Row]:
    """One night's rows; the state goes on with the bench."""
    bench.store = MemoryStore(state=bench.store.state)
    return await bench.run(bench.mailbox(number))


def test_every_night_what_is_new_and_nothing_twice(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        number = busiest(bench.desk)
        desk, user = bench.desk, bench.desk.user(number)
        first = await saved_since(bench, number)
        assert {(row["message_id"], row["attachment_id"]) for row in first} == held(desk.sim.world, number).keys()
        assert await saved_since(bench, number) == []
        assert not any("$value" in one.path for one in bench.requests)
        read, moved = (row["message_id"] for row in (first[0], first[-1]))
        await desk.ask("PATCH", f"{user}/messages/{read}", {"isRead": False, "categories": ["Blue category"]})
        await desk.ask(
            "POST", f"{user}/messages/{moved}/move", {"destinationId": "archive"}, Prefer=IMMUTABLE["Prefer"]
        )
        added = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "new.txt", "contentBytes": "aGVsbG8="}
        await desk.ask("POST", f"{user}/messages/{read}/attachments", added)
        await desk.ask("POST", f"{user}/messages", {"subject": "New", "attachments": [added]})
        rows = await saved_since(bench, number)
        assert [row["name"] for row in rows] == ["new.txt", "new.txt"]
        assert len({row["message_id"] for row in rows}) == 2
        desk.sim.world.epoch += 1  # the service forgets what its links stood for
        assert await saved_since(bench, number) == []

    on_bench("attachments.save", tmp_path, act, {"since": "last", "inline": True}, **CALM)


def test_what_was_forgotten_is_saved_again() -> None:
    earlier = Earlier({})
    for key in range(MOST + 1):
        earlier.add(str(key))
    assert "0" not in earlier
    assert "1" in earlier
    assert len(earlier.keys) == MOST
    assert "1" in Earlier({SAVED: earlier.keys})


def message(number: int, received: str) -> Message:
    return Message(str(number), "", "", "", received, 0, True, True, "", {})


def test_a_checkpoint_is_due_after_so_many_bytes() -> None:
    progress = Progress({})
    assert progress.reached([message(1, "a")], resumable=True) is None
    progress.saved = COMMITTED
    assert progress.reached([message(2, "a"), message(3, "b")], resumable=False) is None
    assert progress.reached([message(4, "b")], resumable=True) == Checkpoint(received="b", ids=["3", "4"])
    progress.saved = COMMITTED
    many = [message(number, "b") for number in range(5, 5 + SAME_MOMENT)]
    assert progress.reached(many, resumable=True) is None
    assert progress.reached([message(1000, "c")], resumable=True) == Checkpoint(received="c", ids=["1000"])
    progress.refusal, progress.saved = GraphError(400, "ErrorCorruptData", "It is damaged."), COMMITTED
    told = progress.reached([message(1001, "d")], resumable=True)
    assert told is not None
    assert told["refused"] == (400, "ErrorCorruptData", "It is damaged.")
    assert Progress(told).refusal is not None


@given(st.text(max_size=300), st.sampled_from(["file", "item"]))
def test_the_name_of_a_file_is_safe_whatever_its_sender_wrote(name: str, kind: str) -> None:
    one = Attachment("id", name, kind, "", "", False, 1)
    safe = safe_name(one.file_name("message"))
    assert PurePosixPath(safe).name == PureWindowsPath(safe).name == safe
    assert safe.isascii()
    assert safe.isprintable()
    assert safe[0] not in ".-"
    assert len(safe) <= 100
    assert safe.endswith(".eml") or kind == "file"
    other = Attachment("other", name, kind, "", "", False, 1)
    assert safe_name(other.file_name("message")) != safe


def test_least_permissions() -> None:
    assert attachments_save.needs(check_options(attachments_save, {})).text == "Mail.Read"
