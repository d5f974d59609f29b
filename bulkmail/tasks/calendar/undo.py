"""Takes back what a run has made of the permissions of calendars, each that still stands as the run left it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Row
from bulkmail.task.changes import summed
from bulkmail.tasks.calendar import grants
from bulkmail.tasks.calendar.grants import Grant, find, grants_of
from bulkmail.tasks.kit import restore
from bulkmail.tasks.kit.restore import Result


async def undo(mailbox: Mailbox, graph: Graph, options: Any, made: Sequence[Made]) -> AsyncIterator[Row]:
    """A row for each permission. In a calendar that is gone, so are its permissions."""
    del mailbox, options
    read: dict[str, list[Grant] | None] = {}
    for change in summed(made):
        _, calendar, grantee = change.key.split(":", 2)
        if calendar not in read:
            read[calendar] = await _there(graph, calendar)
        there = read[calendar]
        grant = find(there or [], grantee)
        result = Result.GONE if there is None else restore.result_of(change, grant, _holds)
        if result is Result.RESTORED:
            await _take_back(graph, calendar, grant, change)
        yield restore.row(
            change.key, result, restored=change.before and change.before["role"], found=grant and grant.role
        )


async def _there(graph: Graph, calendar: str) -> list[Grant] | None:
    try:
        return await grants_of(graph, calendar)
    except GraphError as error:
        if (error.status, error.code) != (404, "ErrorItemNotFound"):
            raise
        return None


async def _take_back(graph: Graph, calendar: str, grant: Grant | None, made: Change) -> None:
    if grant is None:
        await grants.give(graph, calendar, made.before, made.key)
    elif made.before is None:
        await grants.take(graph, calendar, grant, made.key)
    else:
        await grants.alter(graph, calendar, grant, made.before["role"], made.key)


def _holds(grant: Grant, values: Mapping[str, Any]) -> bool:
    return bool(grant.role == values["role"])
