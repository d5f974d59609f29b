"""A collection is brought to what a list says: each item is touched once at most, and a second time nothing is."""

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Response
from bulkmail.tasks.kit.collection import CHUNK, Step, chunked, steps, tolerated
from bulkmail.testing import Scripted, collect, run

GRAPH = Graph(Scripted(lambda _: Response(204)), "https://graph.example/v1.0")
KEYS = st.text("abC", min_size=1, max_size=2)


async def _step(*told: str) -> tuple[str, ...]:
    await asyncio.sleep(0)
    return told


def plan(wanted: dict[str, str], there: list[tuple[str, str]]) -> list[tuple[str, ...]]:
    found = steps(
        wanted, there, same=str.__eq__,
        create=lambda one: _step("create", one), update=lambda one, old: _step("update", one, old),
        delete=lambda old: _step("delete", old),
    )  # fmt: skip
    return run(collect(chunked(GRAPH, found)))


def test_missing_different_left_over_and_copied() -> None:
    wanted = {"a": "A1", "b": "B1", "c": "C1"}
    there = [("x", "X"), ("B", "B0"), ("c", "C1"), ("C", "C2")]
    assert plan(wanted, there) == [("create", "A1"), ("update", "B1", "B0"), ("delete", "C2"), ("delete", "X")]


@given(st.dictionaries(KEYS.map(str.casefold), st.text("12", max_size=1)), st.lists(st.tuples(KEYS, st.text("12"))))
def test_afterwards_it_is_as_the_list_says(wanted: dict[str, str], there: list[tuple[str, str]]) -> None:
    wanted = {key: key + value for key, value in wanted.items()}
    left = [(key.casefold(), key.casefold() + value) for key, value in there]
    for done, *values in plan(wanted, left):
        if done != "create":
            left.remove((values[-1][: -len(values[-1].lstrip("abc")) or None], values[-1]))
        if done != "delete":
            left.append((next(key for key, one in wanted.items() if one == values[0]), values[0]))
    assert dict(left) == wanted
    assert len(left) == len(wanted)
    assert plan(wanted, left) == []


def test_no_more_than_a_chunk_is_begun_at_a_time() -> None:
    begun = 0

    def calls() -> Iterator[Step[int]]:
        nonlocal begun
        for number in range(2 * CHUNK + 1):
            begun += 1
            yield partial(_number, number)

    async def main() -> int:
        async for _ in chunked(GRAPH, calls()):
            return begun
        return 0

    assert run(main()) == CHUNK
    assert run(collect(chunked(GRAPH, (partial(_number, one) for one in range(2 * CHUNK + 1))))) == [
        *range(2 * CHUNK + 1)
    ]


async def _number(number: int) -> int:
    return number


async def _refused(status: int) -> None:
    raise GraphError(status, "No", "no")


@pytest.mark.parametrize("status", [400, 404, 409, 413])
def test_a_refusal_of_one_item_is_a_result(status: int) -> None:
    assert isinstance(run(tolerated(partial(_refused, status))), GraphError)


@pytest.mark.parametrize("status", [401, 403, 507, 500, 503])
def test_a_refusal_that_the_next_one_would_meet_ends_it(status: int) -> None:
    with pytest.raises(GraphError):
        run(tolerated(partial(_refused, status)))
