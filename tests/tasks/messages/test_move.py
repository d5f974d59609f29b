"""Messages are moved to a folder that each mailbox has, and back."""

from pathlib import Path

import pytest

from bulkmail.errors import GraphError
from bulkmail.sim.families.folders.content import ARCHIVE, INBOX, JUNK
from tests.tasks.messages.mail import BOX, CALM, put, where
from tests.tasks.rig import Bench, on_bench


def test_moved_a_second_time_and_back(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox = bench.mailbox(BOX)
        before = where(bench)
        told = await bench.run(mailbox)
        made = bench.made
        assert {(row["before"], row["after"], row["state"]) for row in told} == {("Inbox", "Archive", "done")}
        assert where(bench) == {id_: ARCHIVE if folder == INBOX else folder for id_, folder in before.items()}
        assert await bench.run(mailbox) == []
        assert bench.writes == []
        assert {row["result"] for row in await bench.undo(mailbox, made, planning=True)} == {"restored"}
        assert where(bench) != before
        rows = await bench.undo(mailbox, made)
        assert [row["restored"]["folder"] for row in rows] == ["Inbox"] * len(told)
        assert where(bench) == before

    on_bench("messages.move", tmp_path, act, {"folders": "inbox", "to": "archive"}, **CALM)


def test_pages_that_shift_while_messages_go_lose_none(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        many = {put(bench, "Many", INBOX) for _ in range(1_200)}
        told = await bench.run(bench.mailbox(BOX))
        assert {row["id"] for row in told} >= many
        after = where(bench)
        assert {after[id_] for id_ in many} == {JUNK}

    on_bench("messages.move", tmp_path, act, {"subject": "many", "to": "junkemail"}, **CALM)


def test_a_mailbox_without_the_folder_fails_with_nothing_written(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        with pytest.raises(GraphError, match="no folder 'Old/2019'"):
            await bench.run(bench.mailbox(BOX))
        assert bench.writes == []
        assert await bench.run(bench.mailbox(BOX), subject=("nothing is called so",)) == []

    on_bench("messages.move", tmp_path, act, {"folders": "inbox", "to": "Old/2019"}, **CALM)


def test_a_message_that_is_taken_away_meanwhile_is_told(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        put(bench, "Only this", INBOX)
        absent = {"kind": "status", "status": 404, "code": "ErrorItemNotFound", "total": 1}
        looked_for = {**absent, "match": r"GET .*/messages/[^/?]+\?"}
        await bench.desk.control(faults=[{**absent, "match": "/move"}, looked_for])
        (row,) = await bench.run(bench.mailbox(BOX))
        assert row["state"] == "gone"
        assert bench.made == []

    on_bench("messages.move", tmp_path, act, {"subject": "Only this", "to": "archive"}, **CALM)


@pytest.mark.parametrize("code", ["ErrorItemNotFound", "ErrorFolderNotFound"])
def test_a_folder_that_vanishes_meanwhile_is_not_told_as_a_message_that_is_gone(tmp_path: Path, code: str) -> None:
    async def act(bench: Bench) -> None:
        put(bench, "Only this", INBOX)
        before = where(bench)
        fault = {"kind": "status", "status": 404, "code": code, "match": "/move", "total": 1}
        await bench.desk.control(faults=[fault])
        with pytest.raises(GraphError, match="NoSuchFolder"):
            await bench.run(bench.mailbox(BOX))
        assert bench.made == []
        assert where(bench) == before

    on_bench("messages.move", tmp_path, act, {"subject": "Only this", "to": "archive"}, **CALM)


def test_a_refusal_of_one_message_does_not_keep_the_others(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        ids = [put(bench, "Some", INBOX) for _ in range(3)]
        fault = {"kind": "status", "status": 400, "code": "ErrorInvalidRequest", "match": "/move", "total": 1}
        await bench.desk.control(faults=[fault])
        with pytest.raises(GraphError, match="ErrorInvalidRequest"):
            await bench.run(bench.mailbox(BOX))
        after = where(bench)
        assert sorted(after[id_] for id_ in ids) == sorted([INBOX, ARCHIVE, ARCHIVE])

    on_bench("messages.move", tmp_path, act, {"subject": "Some", "to": "archive"}, **CALM)
