"""Takes back what a run of `request` has changed, where it can be told what stood there: a PATCH that was compared with
what it changes, and a POST that was compared with the list that it adds to. Anything else is told as kept.
"""

from collections.abc import AsyncIterator, Sequence

from bulkmail.core.odata import segment
from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Row
from bulkmail.task.changes import summed
from bulkmail.tasks.kit import match, restore
from bulkmail.tasks.kit.restore import Result
from bulkmail.tasks.request.compare import read
from bulkmail.tasks.request.options import RequestOptions
from bulkmail.tasks.request.places import holds, named


async def undo(mailbox: Mailbox, graph: Graph, options: RequestOptions, made: Sequence[Made]) -> AsyncIterator[Row]:
    """One row: a mailbox has one request."""
    del mailbox
    ids = {one.change.key: one.id for one in made if one.id}
    for change in summed(made):
        if options.method == "PATCH" and _compared(options, "", whole=True) and isinstance(change.before, dict):
            yield await _put_back(graph, change, options)
        elif options.method == "POST" and _compared(options, "value") and change.key in ids:
            yield await _delete(graph, change, ids[change.key])
        else:
            yield restore.row(change.key, Result.KEPT, found=change.after)


def _compared(options: RequestOptions, rows: str, *, whole: bool = False) -> bool:
    """Whether it was compared at the place where it was changed, and with the `whole` of what was sent."""
    look = options.compare
    return look is not None and look.path is None and look.rows == rows and not (whole and look.wanted is not None)


async def _put_back(graph: Graph, change: Change, options: RequestOptions) -> Row:
    path = change.key.partition(" ")[2]
    there = await read(graph, path, "")
    result = restore.judged(
        as_before=holds(there, change.before), as_left=holds(there, change.after), there=there is not None
    )
    if result is Result.RESTORED:
        back = Change(change.key, named(there, change.before), change.before)
        await graph.patch(path, change.before, change=back, headers=options.headers)
    return restore.row(change.key, result, restored=change.before, found=named(there, change.after))


async def _delete(graph: Graph, change: Change, made: str) -> Row:
    """Deletes what the run made, if it still says what the run wanted."""
    path = f"{change.key.partition(' ')[2].partition('?')[0]}/{segment(made)}"
    there = await read(graph, path, "")
    result = restore.result_of(change, there, holds)
    if result is Result.RESTORED:
        await match.remove(graph, path, Change(change.key, change.after, None))
    return restore.row(change.key, result, found=there)
