"""Makes a task of the undoing of another one: its mailboxes carry the changes that are to be taken back."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

import orjson

from bulkmail.errors import UsageError
from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Row
from bulkmail.task.declare import UNDO_COLUMNS, UNDO_KEY, Task

RESULT = "result"
RESTORED, PLANNED = "restored", "planned"
LEFT = ("changed", "gone", "kept")
"""What may stand in the column RESULT: a plan restores nothing, and what is LEFT is not as it was before the run."""

CHANGES = "changes"
"""The column in which a mailbox brings its changes."""


def undoing(task: Task) -> Task:
    """The task that takes back what `task` changed. Raises UsageError if that cannot be."""
    undo = task.undo
    if undo is None:
        raise UsageError(f"what {task.name} does cannot be taken back")

    @wraps(undo)
    async def run(mailbox: Mailbox, graph: Graph, options: Any) -> AsyncIterator[Row]:
        async for row in undo(mailbox, graph, options, unpacked(mailbox.columns)):
            yield {**row, RESULT: PLANNED} if graph.planning and row.get(RESULT) == RESTORED else row

    return replace(
        task, run=run, columns=lambda _options: UNDO_COLUMNS, undo=None, keeps_state=False, once=None,
        key_columns=UNDO_KEY, parts=None, finding=None, leaves=None,
    )  # fmt: skip


def packed(made: Sequence[Made]) -> dict[str, str]:
    """The columns of a mailbox whose changes are to be taken back, in the order in which they were made."""
    told = [[one.change.key, one.change.before, one.change.after, one.id, one.certain] for one in made]
    return {CHANGES: orjson.dumps(told).decode()}


def unpacked(columns: Mapping[str, str]) -> list[Made]:
    """The changes of `packed`, the latest first."""
    return [
        Made(Change(key, before, after), id_, certain)
        for key, before, after, id_, certain in reversed(orjson.loads(columns[CHANGES]))
    ]
