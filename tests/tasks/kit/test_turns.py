"""Changes come one after another; one that is refused keeps no other, and what was made before is told."""

from typing import Any

import pytest

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Response, Row
from bulkmail.tasks.kit.turns import in_turn
from bulkmail.testing import Scripted, run
from tests.tasks.rig import ADA, BASE

CHANGES = [Change("a", None, 1), Change("b", 1, 2), Change("c", 2, None)]


def told(refused: dict[str, int], made: list[Made] | None = None, *, planning: bool = False) -> tuple[list[str], Any]:
    """The rows, and the error that came after them."""
    graph = Graph.of(ADA, Scripted(lambda _: Response(200)), BASE, planning=planning, made=made or [])

    async def write(change: Change) -> None:
        if change.key in refused:
            raise GraphError(refused[change.key], change.key, "no")

    def row(change: Change, state: str) -> Row:
        return {"said": f"{change.key} {change.before}-{change.after} {state}"}

    async def main() -> tuple[list[str], Any]:
        rows: list[str] = []
        try:
            async for one in in_turn(graph, CHANGES, write, row):
                rows.append(one["said"])  # noqa: PERF401 - those before an error are looked at
        except GraphError as error:
            return rows, error.code
        return rows, None

    return run(main())


def test_all_in_their_order() -> None:
    assert told({}) == (["a None-1 done", "b 1-2 done", "c 2-None done"], None)
    assert told({}, planning=True)[0][0] == "a None-1 planned"


@pytest.mark.parametrize("status", [400, 404, 409])
def test_a_refusal_keeps_no_other_and_the_first_is_raised_at_the_end(status: int) -> None:
    assert told({"a": status, "b": status}) == (["c 2-None done"], "a")


@pytest.mark.parametrize("status", [403, 503, 507])
def test_what_all_would_meet_ends_it_at_once(status: int) -> None:
    assert told({"b": status}) == (["a None-1 done"], "b")


def test_what_a_process_that_died_has_made_is_told_from_where_it_began() -> None:
    made = [Made(Change("b", 0, 1)), Made(Change("x", 5, 6))]
    assert told({}, made) == (["a None-1 done", "b 0-2 done", "c 2-None done", "x 5-6 done"], None)
