"""Takes back what a run has made of messages, each that still is as the run left it: back into its folder, its
categories or marks as they were. What was deleted for good is gone.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Row
from bulkmail.task.changes import summed
from bulkmail.tasks.kit import restore
from bulkmail.tasks.kit.collection import chunked, tolerated
from bulkmail.tasks.kit.restore import Result
from bulkmail.tasks.messages.scope import is_absent
from bulkmail.tasks.messages.walk import Message, read_message, same
from bulkmail.tasks.messages.writing import KEY, Parts, bring


async def undo(mailbox: Mailbox, graph: Graph, options: Any, made: Sequence[Made]) -> AsyncIterator[Row]:
    """A row for each message. Raises GraphError for a refusal once the others had their turn."""
    del mailbox, options
    refusal: GraphError | None = None
    steps = (partial(tolerated, partial(_take_back, graph, change)) for change in summed(made))
    async for told in chunked(graph, steps):
        if isinstance(told, GraphError):
            refusal = refusal or told
        else:
            yield told
    if refusal is not None:
        raise refusal


async def _take_back(graph: Graph, change: Change) -> Row:
    now = await _now(graph, change)
    if change.after is None:
        return restore.row(change.key, Result.GONE if now is None else Result.ALREADY)
    before = {name: change.before.get(name) for name in change.after}
    result = restore.result_of(Change(change.key, before, change.after), now, _holds)
    if result is Result.RESTORED and now is not None:
        await bring(graph, now, lambda one: before if _holds(one, change.after) else {}, _noted)
    shown = {**before, "folder": change.before["row"]["folder"]} if "folder" in before else before
    return restore.row(change.key, result, restored=shown, found=now and {name: now.part(name) for name in before})


async def _now(graph: Graph, change: Change) -> Message | None:
    parts = [name for name in change.after or () if name != "folder"]
    try:
        return await read_message(graph, change.key.removeprefix(KEY), parts)
    except GraphError as error:
        if not is_absent(error):
            raise
        return None


def _holds(message: Message, parts: Mapping[str, Any]) -> bool:
    return all(same(name, message.part(name), value) for name, value in parts.items())


def _noted(message: Message, parts: Parts | None) -> Change:
    return Change(KEY + message.id, {name: message.part(name) for name in parts or ()}, parts)
