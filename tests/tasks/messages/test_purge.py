"""Messages are purged softly and given back, or for good; never what is protected, and a second time nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import ConfigError, GraphError, NotAsPlanned
from bulkmail.model import Request, Response
from bulkmail.rundir.entries import Intent
from bulkmail.sim.families.folders.content import DELETED, INBOX, RECOVERABLE
from bulkmail.sim.families.messages.kind import MESSAGE
from bulkmail.tasks import check_options
from bulkmail.tasks.messages.purge import messages_purge
from bulkmail.tasks.messages.writing import COLUMNS
from tests.tasks.messages.mail import BOX, CALM, put, where
from tests.tasks.rig import Bench, Deadly, Killed, on_bench

NEWS = {"subject_contains": "newsletter"}


def meant(bench: Bench, number: int = BOX) -> dict[str, int]:
    rows = bench.desk.sim.contents("messages", bench.desk.sim.tenant.address(number))
    return {row["immutableId"]: row["parent"] for row in rows if "newsletter" in row["subject"].lower()}


def changed(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int | None]:
    return {id_: after.get(id_) for id_ in before if after.get(id_) != before[id_]}


def test_purged_softly_a_second_time_and_given_back(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox = bench.mailbox(BOX)
        put(bench, "Newsletter 1", INBOX), put(bench, "Newsletter 2", DELETED), put(bench, "Newsletter 3", RECOVERABLE)
        before, wanted = where(bench), {i: f for i, f in meant(bench).items() if f not in (DELETED, RECOVERABLE)}
        planned = await bench.plan(mailbox)
        assert where(bench) == before
        told = await bench.run(mailbox)
        made = bench.made
        assert [{**row, "state": "planned"} for row in told] == planned
        assert {row["id"] for row in told} == set(wanted)
        assert all(["mailbox", *row] == list(COLUMNS) for row in told)
        assert {(row["action"], row["after"], row["state"]) for row in told} == {("move", "Deleted Items", "done")}
        assert changed(before, where(bench)) == dict.fromkeys(wanted, DELETED)
        assert await bench.run(mailbox) == []
        assert bench.writes == []
        assert {row["result"] for row in await bench.undo(mailbox, made)} == {"restored"}
        assert where(bench) == before
        assert {row["result"] for row in await bench.undo(mailbox, made)} == {"already"}
        assert bench.writes == []

    assert on_bench("messages.purge", tmp_path, act, NEWS, **CALM)["breaches"] == {}


def test_into_the_recoverable_items(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        first, second = put(bench, "Newsletter 1", INBOX), put(bench, "Newsletter 2", DELETED)
        before = where(bench)
        told = await bench.run(bench.mailbox(BOX))
        made = bench.made
        assert {row["after"] for row in told} == {"recoverableitemsdeletions"}
        assert where(bench)[first] == where(bench)[second] == RECOVERABLE
        assert await bench.run(bench.mailbox(BOX)) == []
        await bench.undo(bench.mailbox(BOX), made)
        assert where(bench) == before

    on_bench("messages.purge", tmp_path, act, {**NEWS, "into": "recoverableitemsdeletions"}, **CALM)


def test_what_lies_in_a_named_deleted_items_goes_on(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        first, second = put(bench, "Newsletter 1", INBOX), put(bench, "Newsletter 2", DELETED)
        await bench.run(bench.mailbox(BOX))
        assert (where(bench)[first], where(bench)[second]) == (INBOX, RECOVERABLE)
        assert await bench.run(bench.mailbox(BOX)) == []

    on_bench("messages.purge", tmp_path, act, {**NEWS, "folders": "DeletedItems"}, **CALM)


HARD = {**NEWS, "mode": "hard", "confirm": "permanent"}


def test_for_good(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox, kept = bench.mailbox(BOX), put(bench, "Newsletter 3", RECOVERABLE)
        put(bench, "Newsletter 1", INBOX)
        before, wanted = where(bench), meant(bench).keys() - {kept}
        told = await bench.run(mailbox)
        made = bench.made
        assert {row["id"] for row in told} == wanted
        assert {(row["action"], row["after"]) for row in told} == {("delete", None)}
        assert where(bench) == {id_: folder for id_, folder in before.items() if id_ not in wanted}
        assert await bench.run(mailbox) == []
        assert {row["result"] for row in await bench.undo(mailbox, made)} == {"gone"}
        assert [row["id"] for row in await bench.run(mailbox, recoverable=True)] == [kept]

    on_bench("messages.purge", tmp_path, act, HARD, **CALM)


@pytest.mark.parametrize("options", [NEWS, HARD], ids=["soft", "hard"])
@pytest.mark.parametrize("fatal", [1, 3, 5, 6, 7])
@pytest.mark.parametrize("answered", [False, True])
def test_a_killed_run_tells_of_each_message_once(
    options: dict[str, Any], fatal: int, answered: bool, tmp_path: Path
) -> None:
    async def act(bench: Bench) -> None:
        put(bench, "Newsletter 1", INBOX), put(bench, "Newsletter 2", INBOX)
        mailbox, before = bench.mailbox(BOX), where(bench)
        wanted = [{**row, "state": "done"} for row in await bench.plan(mailbox)]
        try:
            await bench.run_through(Deadly(bench.writing, fatal, answered), mailbox)
        except* Killed:
            earlier = bench.made
            told = await bench.run(mailbox, earlier=earlier)
            assert sorted(told, key=lambda row: row["id"]) == sorted(wanted, key=lambda row: row["id"])
            made = earlier + bench.made
            assert changed(before, where(bench)).keys() == {row["id"] for row in wanted}
            if options == NEWS:
                await bench.undo(mailbox, made)
                assert where(bench) == before

    on_bench("messages.purge", tmp_path, act, options, **CALM)


def test_a_lost_answer_to_a_deletion_changes_nothing(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        put(bench, "Newsletter 1", INBOX)
        await bench.desk.control(faults=[{"kind": "lost", "match": "permanentDelete", "total": 1}])
        wanted = meant(bench)
        told = await bench.run(bench.mailbox(BOX))
        assert {row["id"] for row in told} == set(wanted)
        assert {row["state"] for row in told} == {"done"}
        assert all(one.certain for one in bench.made)

    assert on_bench("messages.purge", tmp_path, act, HARD, **CALM)["faults"] == {"lost": 1}


def test_protected_messages_are_told_and_left(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        kept = put(bench, "Newsletter 1", INBOX, categories=["legal HOLD"])
        goes = put(bench, "Newsletter 2", INBOX, categories=[])
        before = where(bench)
        told = {row["id"]: row["state"] for row in await bench.run(bench.mailbox(BOX))}
        assert (told[kept], told[goes]) == ("protected", "done")
        assert where(bench)[kept] == INBOX
        protected = {id_ for id_, state in told.items() if state == "protected"}
        assert all(before[id_] == 7 for id_ in protected - {kept})

    protect = {"categories": "Legal hold", "folders": ["archive", "No/Such"]}
    on_bench("messages.purge", tmp_path, act, {**NEWS, "protect": protect}, **CALM)


def test_held_mailboxes(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        held = tmp_path / "held.csv"
        held.write_text(f"mailbox\n{bench.mailbox(BOX).address.upper()}\n", encoding="utf-8")
        put(bench, "Newsletter 1", INBOX)
        options: Any = check_options(messages_purge, {**NEWS, "protect": {"mailboxes": "held.csv"}}, tmp_path)
        pinned = options.model_dump(mode="json")
        assert check_options(messages_purge, pinned).model_dump(mode="json") == pinned
        told = await bench.run(bench.mailbox(BOX), protect=options.protect)
        assert {row["state"] for row in told} == {"protected"}
        assert bench.writes == []

    on_bench("messages.purge", tmp_path, act, NEWS, **CALM)


def test_a_mailbox_that_matches_more_is_left_alone(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for number in range(3):
            put(bench, f"Newsletter {number}", INBOX)
        with pytest.raises(GraphError, match="TooManyMatches: the selection means more than 2 messages"):
            await bench.run(bench.mailbox(BOX))
        assert bench.writes == []

    on_bench("messages.purge", tmp_path, act, {**NEWS, "max_per_mailbox": 2}, **CALM)


def test_a_plan_is_carried_out_and_what_has_come_since_is_left(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        old = put(bench, "Newsletter 1", INBOX, isRead=False)
        await bench.plan(bench.mailbox(BOX))
        intents = [Intent.of(0, request) for request in bench.planned]
        store = MESSAGE.of(bench.desk.sim.world.mailboxes.write(BOX))
        item = store.find(old)
        assert item is not None
        store.change(item, {"isRead": True})
        new = put(bench, "Newsletter 2", INBOX)

        class OnlyPlanned:
            async def send(self, request: Request, /) -> Response:
                intent = Intent.of(0, request) if request.change is not None else None
                if intent is not None and intent.change not in [one.change for one in intents]:
                    raise NotAsPlanned("not as it was when this was planned")
                return await bench.writing.send(request)

        with pytest.raises(NotAsPlanned):
            await bench.run_through(OnlyPlanned(), bench.mailbox(BOX))
        assert (where(bench)[old], where(bench)[new]) == (DELETED, INBOX)

    on_bench("messages.purge", tmp_path, act, NEWS, **CALM)


def test_what_was_moved_since_is_left(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        id_ = put(bench, "Newsletter 1", INBOX)
        await bench.run(bench.mailbox(BOX))
        made = bench.made
        await bench.desk.ask("POST", f"{bench.desk.user(BOX)}/messages/{id_}/move", {"destinationId": "archive"})
        results = {row["key"]: row["result"] for row in await bench.undo(bench.mailbox(BOX), made)}
        assert results[f"message:{id_}"] == "changed"

    on_bench("messages.purge", tmp_path, act, NEWS, **CALM)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "every message of every mailbox"),
        ({"recoverable": True}, "every message of every mailbox"),
        ({**NEWS, "mode": "hard"}, 'confirm = "permanent"'),
        ({**NEWS, "max_per_mailbox": 0}, "max_per_mailbox"),
        ({**NEWS, "protect": {"folder": "x"}}, "protect"),
        ({**NEWS, "mode": "soft", "into": "archive"}, "into"),
    ],
)
def test_what_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_options(messages_purge, options)


def test_a_hard_purge_says_that_there_is_no_undo() -> None:
    assert check_options(messages_purge, NEWS).warnings() == ()
    (warning,) = check_options(messages_purge, HARD).warnings()
    assert "no undo" in warning
