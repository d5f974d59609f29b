"""Every mailbox gets the folders of the job, each once, whatever happens; and loses only empty ones again."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import ConfigError, GraphError, InputError
from bulkmail.model import Mailbox, Request, Response, Transport
from bulkmail.sim import Fault
from bulkmail.sim.families.folders.content import NUMBERS, ROOT
from bulkmail.sim.families.folders.kind import FOLDER
from bulkmail.tasks import check_options
from bulkmail.tasks.folders.apply import COLUMNS, folders_apply
from bulkmail.tasks.kit.paths import joined
from tests.tasks.rig import Bench, Deadly, Killed, Settling, on_bench

CALM: Mapping[str, Any] = {"seed": 11, "latency": 0.002, "absent": 0.0, "denied": 0.0, "moving": 0.0, "tls": False}
OPTIONS: dict[str, Any] = {"folders": ["Inbox/Projects/2026", r"inbox/projects/A\/B 📁", "Records", "records/“It's”"]}
MADE = ["inbox/Projects", "inbox/Projects/2026", r"inbox/projects/A\/B 📁", "Records", "records/“It's”"]


def paths(bench: Bench, number: int) -> list[str]:
    """All folders of a mailbox below the root, out of its store, by their names from a well-known one or the top."""
    store = FOLDER.of(bench.desk.sim.world.mailboxes.read(number))
    known = {number: name for name, number in NUMBERS.items()}
    found = []
    for folder in store:
        names, above = list[str](), folder
        while above.number not in known:
            names.insert(0, above.props["displayName"])
            above = store.items[above.parent]
        found += [joined([*([] if above.number == ROOT else [known[above.number]]), *names])] if names else []
    return sorted(found)


def folded(names: list[str]) -> list[str]:
    return sorted(map(str.casefold, names))


def test_a_first_time_a_second_time_and_back(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for number in range(8):
            mailbox, before = bench.mailbox(number), paths(bench, number)
            planned = await bench.plan(mailbox)
            assert paths(bench, number) == before
            told = await bench.run(mailbox)
            made = bench.made
            assert [row["path"] for row in told] == [row["path"] for row in planned] == MADE
            assert {(row["state"], bool(row["folder_id"])) for row in told} == {("done", True)}
            assert {(row["state"], row["folder_id"]) for row in planned} == {("planned", "")}
            assert ["mailbox", *told[0]] == [*COLUMNS]
            assert folded(paths(bench, number)) == folded([*before, *MADE])
            assert await bench.run(mailbox) == []
            assert bench.writes == []
            assert {row["result"] for row in await bench.undo(mailbox, made, planning=True)} == {"restored"}
            assert folded(paths(bench, number)) == folded([*before, *MADE])
            assert {row["result"] for row in await bench.undo(mailbox, made)} == {"restored"}
            assert [one for one in paths(bench, number) if not one.startswith("deleteditems/")] == before
            assert {row["result"] for row in await bench.undo(mailbox, made)} == {"already"}
            assert bench.writes == []

    assert on_bench("folders.apply", tmp_path, act, OPTIONS, **CALM)["breaches"] == {}


@pytest.mark.parametrize("fatal", range(1, 8))
@pytest.mark.parametrize("answered", [False, True])
def test_a_killed_run_makes_no_folder_twice(fatal: int, answered: bool, tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox, before = bench.mailbox(), paths(bench, 0)
        try:
            await bench.run_through(Deadly(bench.writing, fatal, answered), mailbox)
        except Killed:
            earlier = bench.made
            told = await bench.run(mailbox, earlier=earlier)
        else:
            pytest.fail("the run outlived its death")
        assert sorted(row["path"] for row in told) == sorted(MADE)
        assert folded(paths(bench, 0)) == folded([*before, *MADE])
        await bench.undo(mailbox, earlier + bench.made)
        assert [one for one in paths(bench, 0) if not one.startswith("deleteditems/")] == before

    on_bench("folders.apply", tmp_path, act, OPTIONS, **CALM)


def test_lost_answers_make_no_folder_twice(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for number in range(8):
            before = paths(bench, number)
            told = await bench.run_through(Settling(bench.writing, 0.02), bench.mailbox(number))
            assert [row["path"] for row in told] == MADE
            assert folded(paths(bench, number)) == folded([*before, *MADE])

    faults = (
        Fault("lost", match="POST", share=0.3, times=1),
        Fault("gateway", match="POST", share=0.2, times=1),
        Fault("late", match="POST", share=0.2, seconds=0.01, times=1),
    )
    on_bench("folders.apply", tmp_path, act, OPTIONS, **CALM, faults=faults)


def test_undo_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox, before = bench.mailbox(), paths(bench, 0)
        await bench.run(mailbox)
        made, whole = bench.made, bench.writing
        for fatal in range(5, 9):  # after the reads
            bench.writing = Deadly(whole, fatal, answered=True)
            with contextlib.suppress(Killed):
                await bench.undo(mailbox, made)
        bench.writing = whole
        results = {row["result"] for row in await bench.undo(mailbox, made)}
        assert results <= {"restored", "already"}
        assert [one for one in paths(bench, 0) if not one.startswith("deleteditems/")] == before

    on_bench("folders.apply", tmp_path, act, OPTIONS, **CALM)


def test_undo_leaves_what_is_in_use_or_elsewhere(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox, user = bench.mailbox(), bench.desk.user(0)
        told = {row["path"]: row["folder_id"] for row in await bench.run(mailbox)}
        made = bench.made
        ask = bench.desk.ask
        await ask("POST", f"{user}/mailFolders/{told['inbox/Projects/2026']}/messages", {"subject": "Kept"})
        await ask("POST", f"{user}/mailFolders/{told['Records']}/move", {"destinationId": "archive"})
        await ask("PATCH", f"{user}/mailFolders/{told[MADE[2]]}", {"displayName": "Renamed"})
        results = {row["key"]: (row["result"], row["found"]) for row in await bench.undo(mailbox, made)}
        assert {key.removeprefix("folder:"): result for key, (result, _) in results.items()} == {
            "inbox/Projects": "changed",  # the other two lie in it
            "inbox/Projects/2026": "changed",
            MADE[2]: "changed",
            "Records": "changed",
            "records/“It's”": "changed",
        }
        assert results["folder:inbox/Projects/2026"][1]["items"] == 1
        assert results["folder:inbox/Projects"][1]["folders"] == 2
        assert results["folder:Records"][1]["path"] in ("Archive/Records", "Archiv/Records")
        assert bench.writes == []

    on_bench("folders.apply", tmp_path, act, OPTIONS, **CALM)


def test_a_folder_that_is_gone_is_as_it_was(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        (row,) = await bench.run(bench.mailbox())
        made = bench.made
        await bench.desk.ask("POST", f"{bench.desk.user(0)}/mailFolders/{row['folder_id']}/permanentDelete")
        (undone,) = await bench.undo(bench.mailbox(), made)
        assert undone["result"] == "already"

    on_bench("folders.apply", tmp_path, act, {"folders": ["Records"]}, **CALM)


def test_columns_of_the_list_and_hidden_ones(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        told = await bench.run(bench.mailbox(columns={"Team": "A/B & C", "Region": " "}))
        assert [row["path"] for row in told] == ["Teams", r"Teams/A\/B & C"]
        store = FOLDER.of(bench.desk.sim.world.mailboxes.read(0))
        assert [one.props["isHidden"] for one in store if one.props["displayName"] in ("Teams", "A/B & C")] == [
            True
        ] * 2
        with pytest.raises(InputError, match="no column 'Team'"):
            await bench.run(bench.mailbox())

    options = {"folders": ["Teams/{Team}", "{Region}/Sub", "teams/{team}"], "hidden": True}
    on_bench("folders.apply", tmp_path, act, options, **CALM)


def test_what_cannot_be_made_does_not_keep_the_others(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        before = paths(bench, 0)
        with pytest.raises(GraphError, match="no folder clutter"):
            await bench.run(bench.mailbox())
        assert paths(bench, 0) == sorted([*before, "Records"])

    on_bench("folders.apply", tmp_path, act, {"folders": ["clutter/x/y", "Records"]}, **CALM)


def test_one_that_comes_into_being_meanwhile_is_taken_as_it_is(tmp_path: Path) -> None:
    """It is not in the tree, since a page of that was lost, and the service says so when it is made again."""

    async def act(bench: Bench) -> None:
        made = await bench.desk.ask("POST", f"{bench.desk.user(0)}/mailFolders", {"displayName": "RECORDS"})
        rows = await bench.run_through(Forgetful(bench.writing, "RECORDS"), bench.mailbox())
        assert [(row["path"], row["state"]) for row in rows] == [("Records", "already"), ("Records/2026", "done")]
        assert rows[0]["folder_id"] == made.body["id"]

    on_bench("folders.apply", tmp_path, act, {"folders": ["Records/2026"]}, **CALM)


@dataclass(slots=True)
class Forgetful:
    """A wrapper that leaves a folder out of the answers to delta queries, as if it were made right after them."""

    inner: Transport
    name: str

    async def send(self, request: Request, /) -> Response:
        response = await self.inner.send(request)
        if "/delta" not in request.path:
            return response
        kept = [one for one in response.body["value"] if one.get("displayName") != self.name]
        return response._replace(body={**response.body, "value": kept})


def test_paths_below_the_root_that_are_called_like_a_well_known_folder() -> None:
    options: Any = check_options(folders_apply, {"folders": ["msgfolderroot/archive", "MsgFolderRoot/x", "archive/y"]})
    assert [*options.paths(Mailbox("ada@contoso.com", 2))] == [["msgfolderroot", "archive"], ["x"], ["archive", "y"]]
    assert check_options(folders_apply, options.model_dump(mode="json")) == options


@pytest.mark.parametrize(
    ("folders", "told"),
    [
        ([], "a list of at least 1"),
        (["Inbox"], "a folder of the service's own"),
        (["msgfolderroot"], "a folder of the service's own"),
        (["a//b"], "names between slashes"),
        (["/a"], "names between slashes"),
        (["a/ "], "names between slashes"),
        (["a" * 256], "1 to 255"),
        (["{Team/x"], "a brace without its partner"),
        (["searchfolders/x"], "no folder can be made in searchfolders"),
        (["recoverableitemsdeletions/x"], "no folder can be made in"),
    ],
)
def test_what_a_path_cannot_be(folders: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_options(folders_apply, {"folders": folders})


def test_the_least_permission_is_enough_and_one_less_is_not(tmp_path: Path) -> None:
    (least,) = folders_apply.needs(None).names()

    async def enough(bench: Bench) -> None:
        assert await bench.run(bench.mailbox())

    async def refused(bench: Bench) -> None:
        with pytest.raises(GraphError) as caught:
            await bench.run(bench.mailbox())
        assert caught.value.status == 403
        assert bench.made == []

    on_bench("folders.apply", tmp_path, enough, OPTIONS, roles=(least,), **CALM)
    on_bench("folders.apply", tmp_path, refused, OPTIONS, roles=("Mail.Read",), **CALM)
