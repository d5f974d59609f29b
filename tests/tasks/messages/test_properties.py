"""Categories and marks: what differs is written, with the version that was read, and what was there comes back."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import ConfigError
from bulkmail.sim.families.folders.content import INBOX
from bulkmail.tasks import check_options
from bulkmail.tasks.messages.categorise import messages_categorise
from bulkmail.tasks.messages.mark import messages_mark
from tests.tasks.messages.mail import BOX, CALM, held, put
from tests.tasks.rig import Bench, Deadly, Killed, on_bench

SOME = {"subject": "Some"}


def test_categories_are_added_and_taken_and_others_stay(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox = bench.mailbox(BOX)
        one = put(bench, "Some", INBOX, categories=["Mine", "OLD"])
        other = put(bench, "Some", INBOX, categories=["new"])
        planned = await bench.plan(mailbox)
        told = await bench.run(mailbox)
        made = bench.made
        assert [{**row, "state": "planned"} for row in told] == planned
        assert [(row["id"], row["before"], row["after"]) for row in told] == [(one, ["Mine", "OLD"], ["Mine", "New"])]
        assert (held(bench)[one]["categories"], held(bench)[other]["categories"]) == (["Mine", "New"], ["new"])
        assert all("If-Match" in request.headers for request in bench.requests if request.method == "PATCH")
        assert await bench.run(mailbox) == []
        assert bench.writes == []
        (undone,) = await bench.undo(mailbox, made)
        assert (undone["result"], undone["restored"]) == ("restored", {"categories": ["Mine", "OLD"]})
        assert held(bench)[one]["categories"] == ["Mine", "OLD"]

    on_bench("messages.categorise", tmp_path, act, {**SOME, "add": "New", "remove": "old"}, **CALM)


def test_what_someone_else_adds_meanwhile_is_kept(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        id_ = put(bench, "Some", INBOX, categories=["Mine"])

        class Meddling:
            done = False

            async def send(self, request: Any, /) -> Any:
                if request.method == "PATCH" and not self.done:
                    self.done = True
                    path = f"{bench.desk.user(BOX)}/messages/{id_}"
                    await bench.desk.ask("PATCH", path, {"categories": ["Mine", "Theirs"]})
                return await bench.writing.send(request)

        await bench.run_through(Meddling(), bench.mailbox(BOX))
        assert held(bench)[id_]["categories"] == ["Mine", "Theirs", "New"]

    on_bench("messages.categorise", tmp_path, act, {**SOME, "add": "New"}, **CALM)


MARKS = {**SOME, "read": True, "flag": "complete", "set_importance": "low"}


def test_marks(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox = bench.mailbox(BOX)
        flag = {"flagStatus": "flagged", "dueDateTime": {"dateTime": "2026-12-01T00:00:00", "timeZone": "UTC"}}
        id_ = put(bench, "Some", INBOX, isRead=False, importance="low", flag=flag)
        (row,) = await bench.run(mailbox)
        made = bench.made
        assert row["before"] == {"isRead": False, "flag": flag}
        assert row["after"] == {"isRead": True, "flag": {"flagStatus": "complete"}}
        assert (held(bench)[id_]["isRead"], held(bench)[id_]["flag"]["flagStatus"]) == (True, "complete")
        assert await bench.run(mailbox) == []
        await bench.undo(mailbox, made)
        assert (held(bench)[id_]["isRead"], held(bench)[id_]["flag"]) == (False, flag)

    on_bench("messages.mark", tmp_path, act, MARKS, **CALM)


@pytest.mark.parametrize("fatal", range(2, 6))
@pytest.mark.parametrize("answered", [False, True])
def test_a_killed_run_tells_of_each_message_once(fatal: int, answered: bool, tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for _ in range(3):
            put(bench, "Some", INBOX, isRead=False)
        mailbox = bench.mailbox(BOX)
        wanted = [{**row, "state": "done"} for row in await bench.plan(mailbox)]
        try:
            await bench.run_through(Deadly(bench.writing, fatal, answered), mailbox)
        except* Killed:
            earlier = bench.made
            told = await bench.run(mailbox, earlier=earlier)
            assert sorted(told, key=lambda row: row["id"]) == wanted
            await bench.undo(mailbox, earlier + bench.made)
            assert not any(held(bench)[row["id"]]["isRead"] for row in wanted)

    on_bench("messages.mark", tmp_path, act, {**SOME, "is_read": False, "read": True}, **CALM)


NAMES = st.lists(st.sampled_from(["Red", "RED", "Blue", "Old", "straße", "STRASSE"]), max_size=5, unique=True)


@given(there=NAMES, add=NAMES, remove=NAMES)
def test_after_a_change_nothing_is_left_to_change(there: list[str], add: list[str], remove: list[str]) -> None:
    given_ = {"subject": "x", **({"add": add} if add else {}), **({"remove": remove} if remove else {})}
    try:
        options: Any = check_options(messages_categorise, given_)
    except ConfigError:
        assert {one.lower() for one in add} & {one.lower() for one in remove} or not (add or remove)
        return
    after = options.categories(there)
    assert options.categories(after) == after
    lowered = [one.lower() for one in after]
    assert {one.lower() for one in add} <= set(lowered)
    assert not {one.lower() for one in remove} & set(lowered)
    assert [one for one in after if one in there] == [one for one in there if one in after]


@pytest.mark.parametrize(
    ("task", "options"),
    [
        (messages_categorise, SOME),
        (messages_categorise, {"add": "x"}),
        (messages_categorise, {**SOME, "add": "x", "remove": ["X"]}),
        (messages_mark, SOME),
        (messages_mark, {"read": True}),
        (messages_mark, {**SOME, "flag": "red"}),
    ],
)
def test_what_is_refused(task: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        check_options(task, options)
