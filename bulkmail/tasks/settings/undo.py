"""Puts back the settings that a run of settings.apply has written, each of them that still says what the run wrote."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Row
from bulkmail.task.changes import summed
from bulkmail.tasks.kit import expect, restore
from bulkmail.tasks.kit.restore import Result
from bulkmail.tasks.kit.settings import PATH
from bulkmail.tasks.settings.fields import EMPTY, KEY, SETTINGS, body_of, same, value_of, values_of
from bulkmail.tasks.settings.options import SettingsApplyOptions


async def undo(
    mailbox: Mailbox, graph: Graph, options: SettingsApplyOptions, made: Sequence[Made]
) -> AsyncIterator[Row]:
    """A row for each setting."""
    del mailbox, options
    settings = expect.an_object(await graph.get(PATH), "settings")
    for change in summed(made):
        if change.key != KEY:
            continue
        results = {name: _result(settings, name, change) for name in change.after}
        back = {name: _put_back(change.before[name]) for name, result in results.items() if result is Result.RESTORED}
        if back:
            await graph.patch(PATH, body_of(back), change=Change(KEY, values_of(settings, back), back))
        for name, result in results.items():
            shows = SETTINGS[name].shows
            found = shows(value_of(settings, name))
            yield restore.row(name, result, restored=shows(change.before[name]), found=found)


def _result(settings: Any, name: str, change: Change) -> Result:
    there, before = value_of(settings, name), change.before[name]
    result = restore.judged(as_before=same(name, there, before), as_left=same(name, there, change.after[name]))
    never_set = before is None and name not in EMPTY
    return Result.KEPT if result is Result.RESTORED and never_set else result


def _put_back(before: Any) -> Any:
    return "" if before is None else before
