"""Takes back what a run has made of events: deletes what was added, unless it was changed or is used since, and makes
again what was cancelled.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Row
from bulkmail.task.changes import summed
from bulkmail.tasks.events.calendar import KEY, find, in_use, make, remove, says
from bulkmail.tasks.events.event import MARK, again
from bulkmail.tasks.kit import restore
from bulkmail.tasks.kit.restore import Result


async def undo_added(mailbox: Mailbox, graph: Graph, options: Any, made: Sequence[Made]) -> AsyncIterator[Row]:
    """A row for the event of the mailbox."""
    del mailbox, options
    for change in summed(made):
        there = await find(graph, change.key.removeprefix(KEY), change.after["start"]["timeZone"])
        event = _which(there, {one.id for one in made})
        result = restore.result_of(change, event, lambda one, values: says(one, values) and not in_use(one))
        if result is Result.RESTORED and event is not None:
            await remove(graph, event, Change(change.key, change.after, None))
        yield restore.row(change.key, result, found=None if event is None else event.get("subject"))


async def undo_cancelled(mailbox: Mailbox, graph: Graph, options: Any, made: Sequence[Made]) -> AsyncIterator[Row]:
    """A row for each event. One that stands there again is not made twice, and of copies each comes back."""
    del mailbox, options
    settled: Counter[str] = Counter()
    for change in summed(made):
        key, event = change.key.removeprefix(KEY).split(":", 1)
        there = await find(graph, key, change.before["start"]["timeZone"])
        alike, content = {one["id"] for one in there if says(one, change.before)}, repr(change.before)
        if len(alike) > settled[content]:
            yield restore.row(change.key, Result.ALREADY)
        else:
            await _make_again(graph, key, event, change, alike)
            yield restore.row(change.key, Result.RESTORED, restored=change.before["subject"])
        settled[content] += 1


async def _make_again(graph: Graph, key: str, event: str, change: Change, there: set[str]) -> None:
    body = MARK.marked({**change.before, "transactionId": again(key, event)}, key)
    made = Change(change.key, None, change.before)
    await make(graph, body, made, key, lambda one: one["id"] not in there and says(one, change.before))


def _which(there: Sequence[Mapping[str, Any]], ids: set[str]) -> Mapping[str, Any] | None:
    """The event that the run has made, rather than a copy of it."""
    return next((one for one in there if one["id"] in ids), there[0] if there else None)
