"""Brings a collection of items to what a list says: which are missing, which differ, which are left over. Sends
nothing itself; the steps do.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from bulkmail.errors import GraphError
from bulkmail.graph import Graph

W = TypeVar("W")
T = TypeVar("T")
R = TypeVar("R")
Step: TypeAlias = Callable[[], Coroutine[Any, Any, R]]
"""Something to be done, which has not begun: a call that is thrown away must never have been made."""

CHUNK = 200
"""Steps that are under way together; the limits decide how many of their requests are."""

LASTING = frozenset({401, 403, 507})
"""Refusals that the next item would meet as well: no right to write, or a full mailbox."""


def steps(
    wanted: Mapping[str, W],
    there: Iterable[tuple[str, T]],
    *,
    same: Callable[[W, T], bool],
    create: Callable[[W], Coroutine[Any, Any, R]],
    update: Callable[[W, T], Coroutine[Any, Any, R]],
    delete: Callable[[T], Coroutine[Any, Any, R]],
) -> Iterator[Step[R]]:
    """What is to be done, in the order of `wanted`; what is to go comes last.

    Keys are compared without case, and those of `wanted` are casefolded already. Of several items with one key the
    first is kept: the others are copies that a user has made.
    """
    left: dict[str, list[T]] = defaultdict(list)
    for key, item in there:
        left[key.casefold()].append(item)
    for key, one in wanted.items():
        found = left.pop(key, [])
        if not found:
            yield partial(create, one)
            continue
        first, *copies = found
        if not same(one, first):
            yield partial(update, one, first)
        for copy in copies:
            yield partial(delete, copy)
    for items in left.values():
        for item in items:
            yield partial(delete, item)


async def chunked(graph: Graph, todo: Iterable[Step[R]]) -> AsyncIterator[R]:
    """The results of many steps in their order, CHUNK of them at a time, so that a long list is never all in memory."""
    coming = iter(todo)
    while chunk := list(islice(coming, CHUNK)):
        for result in await graph.gather(*(step() for step in chunk)):
            yield result


async def tolerated(step: Step[R]) -> R | GraphError:
    """The result of a step, or the refusal of this one item. Raises a refusal that the next item would meet as well."""
    try:
        return await step()
    except GraphError as error:
        if error.status in LASTING or error.status >= 500:
            raise
        return error
