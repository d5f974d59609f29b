"""The master list becomes what the job says in each mode, a second time nothing is sent, and undo leads back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import ConfigError, GraphError
from bulkmail.graph import Graph
from bulkmail.model import Response
from bulkmail.sim import Settings
from bulkmail.tasks import check_options
from bulkmail.tasks.categories.apply import COLUMNS, categories_apply, changes
from bulkmail.tasks.categories.colours import NAMES, known_colour
from bulkmail.tasks.categories.master import Category
from bulkmail.tasks.categories.options import CategoriesApplyOptions
from bulkmail.tasks.categories.report import COLUMNS as REPORT_COLUMNS
from bulkmail.tasks.categories.report import categories_report
from bulkmail.testing import Scripted, collect, run
from bulkmail.testing.tenant import open_tenant
from tests.tasks.rig import ADA, BASE, Bench, Deadly, Killed, on_bench

CALM: Mapping[str, Any] = {"seed": 11, "latency": 0.002, "absent": 0.0, "denied": 0.0, "moving": 0.0, "tls": False}
WANTED = {"=Ours": "Blue", "red CATEGORY": "DarkRed", "Orange category": "preset1"}
MODES = ("add", "update", "exact")


def held(bench: Bench, number: int) -> dict[str, str]:
    rows = bench.desk.sim.contents("categories", bench.mailbox(number).address)
    return {row["displayName"]: row["color"] for row in rows}


def expected(there: Mapping[str, str], mode: str) -> dict[str, str]:
    """What WANTED comes to, told in another way than by the task."""
    found = {"Red category": "preset15"} | {"Orange category": "preset1", "=Ours": "preset7"}
    kept = {name: color for name, color in there.items() if mode != "exact" or name in found}
    return {**kept, **found} if mode != "add" else {**found, **kept}


@pytest.mark.parametrize("mode", MODES)
def test_a_first_time_a_second_time_and_back(mode: str, tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for number in range(12):
            mailbox, before = bench.mailbox(number), held(bench, number)
            planned = await bench.plan(mailbox)
            assert held(bench, number) == before
            told = await bench.run(mailbox)
            made = bench.made
            assert [{**row, "state": "planned"} for row in told] == planned
            assert all(["mailbox", *row] == list(COLUMNS) for row in told)
            assert held(bench, number) == expected(before, mode)
            assert await bench.run(mailbox) == []
            assert bench.writes == []
            assert {row["result"] for row in await bench.undo(mailbox, made)} == {"restored"}
            assert held(bench, number) == before
            assert {row["result"] for row in await bench.undo(mailbox, made)} == {"already"}
            assert bench.writes == []

    options = {"categories": WANTED, "mode": mode}
    assert on_bench("categories.apply", tmp_path, act, options, **CALM)["breaches"] == {}


@pytest.mark.parametrize("fatal", range(1, 4))
@pytest.mark.parametrize("answered", [False, True])
def test_a_killed_run_comes_to_the_same_end_and_leads_back(fatal: int, answered: bool, tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        number = next(n for n in range(20) if len(held(bench, n)) > 3)
        mailbox, before = bench.mailbox(number), held(bench, number)
        planned = await bench.plan(mailbox)
        with pytest.raises(Killed):
            await bench.run_through(Deadly(bench.writing, fatal, answered), mailbox)
        earlier = bench.made
        told = await bench.run(mailbox, earlier=earlier)
        name = lambda row: row["name"]  # noqa: E731
        assert sorted(({**row, "state": "planned"} for row in told), key=name) == sorted(planned, key=name)
        assert held(bench, number) == expected(before, "exact")
        await bench.undo(mailbox, earlier + bench.made)
        assert held(bench, number) == before

    on_bench("categories.apply", tmp_path, act, {"categories": WANTED, "mode": "exact"}, **CALM)


def test_a_lost_answer_makes_no_category_twice(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await bench.desk.control(faults=[{"kind": "lost", "match": "POST .*masterCategories", "total": 1}])
        assert "=Ours" in [row["name"] for row in await bench.run(bench.mailbox())]
        assert "=Ours" in held(bench, 0)

    assert on_bench("categories.apply", tmp_path, act, {"categories": WANTED}, **CALM)["faults"] == {"lost": 1}


def test_a_refusal_of_one_category_does_not_keep_the_others(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        fault = {
            "kind": "status",
            "status": 409,
            "code": "ErrorCategoryNameAlreadyExists",
            "match": "POST ",
            "total": 1,
        }
        await bench.desk.control(faults=[fault])
        with pytest.raises(GraphError, match="AlreadyExists"):
            await bench.run(bench.mailbox())
        assert "B" in held(bench, 0)
        assert "A" not in held(bench, 0)

    on_bench("categories.apply", tmp_path, act, {"categories": {"A": "none", "B": "none"}}, **CALM)


def test_what_others_changed_since_is_left_alone(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        path = f"{bench.desk.user()}/outlook/masterCategories"
        await bench.run(bench.mailbox())
        made = bench.made
        (row,) = (one for one in (await bench.desk.get(path)).body["value"] if one["displayName"] == "=Ours")
        await bench.desk.ask("PATCH", f"{path}/{row['id']}", {"color": "preset2"})
        results = {told["key"]: told for told in await bench.undo(bench.mailbox(), made)}
        assert (results["category:=ours"]["result"], results["category:=ours"]["found"]) == ("changed", "preset2")
        await bench.desk.ask("DELETE", f"{path}/{row['id']}")
        results = {told["key"]: told for told in await bench.undo(bench.mailbox(), made)}
        assert results["category:=ours"]["result"] == "already"

    on_bench("categories.apply", tmp_path, act, {"categories": WANTED}, **CALM)


NAME = st.text(min_size=1, max_size=4).filter(lambda text: text.strip() == text)
COLOUR = st.sampled_from(["none", *NAMES])


@given(st.dictionaries(NAME, COLOUR, min_size=1), st.dictionaries(NAME, COLOUR), st.sampled_from(MODES))
def test_changes_lead_to_what_is_wanted_and_touch_nothing_else(
    wanted: dict[str, str], there: dict[str, str], mode: Any
) -> None:
    folded = {name.casefold(): color for name, color in wanted.items()}
    if len(folded) < len(wanted) or len({name.casefold() for name in there}) < len(there):
        return
    options = CategoriesApplyOptions(categories=wanted, mode=mode)
    before = {name.casefold(): color for name, color in there.items()}
    after = dict(before)
    for change in changes(options, [Category(name, name, color) for name, color in there.items()]):
        name = change.key.removeprefix("category:")
        assert (change.before and change.before["color"]) == after.pop(name, None)
        if change.after is not None:
            after[name] = change.after["color"]
    kept = {} if mode == "exact" else before
    assert after == ({**folded, **kept} if mode == "add" else {**kept, **folded})


@pytest.mark.parametrize(
    "options",
    [{}, {"categories": {}}, {"categories": {" ": "none"}}, {"categories": {"a": "mauve"}},
     {"categories": {"a": "preset25"}}, {"categories": {"a": "none", "A": "none"}}, {"categories": {"x" * 256: "none"}},
     {"categories": {"a": "none"}, "mode": "all"}],
)  # fmt: skip
def test_options_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        check_options(categories_apply, options)


def test_colours_by_all_their_names() -> None:
    assert [known_colour(name) for name in ("None", "PRESET24", "dark cranberry", "Red")] == [
        "none", "preset24", "preset24", "preset0",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="did you mean darkred"):
        known_colour("darkrd")


def test_a_documented_list_and_strange_ones() -> None:
    def told(*rows: Any) -> list[dict[str, Any]]:
        graph = Graph.of(ADA, Scripted(lambda _: Response(200, body={"value": list(rows)})), BASE)
        return run(collect(categories_report.run(ADA, graph, check_options(categories_report, {}))))

    (row,) = told({"id": "5a9a", "displayName": "Red category", "color": "Preset0"})
    assert row == {"category_id": "5a9a", "name": "Red category", "color": "preset0", "color_name": "Red"}
    assert ["mailbox", *row] == list(REPORT_COLUMNS)
    (row,) = told({"id": "5a9a", "displayName": None, "color": None})
    assert row == {"category_id": "5a9a", "name": "", "color": "none", "color_name": None}
    with pytest.raises(GraphError, match="no category"):
        told({"displayName": "x"})


def test_all_of_a_tenant_and_the_least_permissions(tmp_path: Path) -> None:
    with open_tenant(tmp_path, Settings(mailboxes=30, **CALM)) as tenant:
        tenant.grant("MailboxSettings.Read")
        done = tenant.run("categories.report", tmp_path / "a")
        told = sorted((row["mailbox"], row["name"], row["color"]) for row in done.rows)
        held = [
            (one, row["displayName"], row["color"])
            for one in tenant.addresses()
            for row in tenant.contents("categories", one)
        ]
        assert (done.code, told) == (0, sorted(held))
        options: Any = {"categories": WANTED}
        less = tenant.run("categories.apply", tmp_path / "b", options=options, settings={"task.apply": True})
        assert less.code == 4
        assert "MailboxSettings.ReadWrite" in less.err
        tenant.grant("MailboxSettings.ReadWrite")
        assert tenant.run("categories.apply", tmp_path / "c", options=options, settings={"task.apply": True}).code == 0
        tenant.grant("User.ReadBasic.All")
        less = tenant.run("categories.report", tmp_path / "d")
        assert less.code == 4
        assert "MailboxSettings.Read" in less.err
