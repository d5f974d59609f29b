"""Brings the settings of a mailbox to what the job says: one request to read, and one to write where anything differs.

The service keeps no version of the settings, so whoever writes last wins; what is written are absolute values, and what
is not named keeps its own.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Row
from bulkmail.task.changes import summed, told_before
from bulkmail.task.declare import task
from bulkmail.tasks.settings_table import EMPTY, SETTINGS, body_of, same, value_of, values_of
from bulkmail.tasks.settings_wanted import SettingsApplyOptions, wanted

PATH = "/mailboxSettings"
KEY = "settings"

COLUMNS = {
    "mailbox": "address as the input gives it",
    "setting": "what differs, by its name in settings.report",
    "before": "what it was; replies as text",
    "after": "what it is now, or would be",
    "state": "planned or done",
}


async def undo(
    mailbox: Mailbox, graph: Graph, options: SettingsApplyOptions, made: Sequence[Made]
) -> AsyncIterator[Row]:
    """Puts back each setting that still says what the run wrote. Rows: one a setting."""
    del mailbox, options
    changes = [change for change in summed(made) if change.key == KEY]
    settings = await _read(graph)
    for change in changes:
        results = {name: _result(settings, name, change) for name in change.after}
        back = {name: _put_back(change.before[name]) for name, result in results.items() if result == "restored"}
        if back:
            found = values_of(settings, back)
            await graph.patch(PATH, body_of(back), change=Change(KEY, found, back))
        for name, result in results.items():
            yield {
                "key": name,
                "result": result,
                "restored": _shown(name, change.before[name]) if result == "restored" else None,
                "found": _shown(name, value_of(settings, name)) if result in ("changed", "kept") else None,
            }


def _result(settings: Any, name: str, change: Change) -> str:
    there, before = value_of(settings, name), change.before[name]
    if same(name, there, before):
        return "already"
    if not same(name, there, change.after[name]):
        return "changed"
    return "restored" if before is not None or name in EMPTY else "kept"


def _put_back(before: Any) -> Any:
    return "" if before is None else before


def _shown(name: str, value: Any) -> Any:
    return SETTINGS[name].shows(value)


@task(
    "settings.apply",
    summary="Sets automatic replies, time zone, language, formats and working hours to what the job says",
    permission="MailboxSettings.ReadWrite",
    options=SettingsApplyOptions,
    columns=COLUMNS,
    writes=True,
    undo=undo,
    wants_columns=True,
)
async def settings_apply(mailbox: Mailbox, graph: Graph, options: SettingsApplyOptions) -> AsyncIterator[Row]:
    """A row for each setting that differs."""
    target = wanted(options, mailbox)
    if not target:
        return
    settings = await _read(graph)
    after = {name: value for name, value in target.items() if not same(name, value_of(settings, name), value)}
    before = values_of(settings, after)
    if after:
        await graph.patch(PATH, body_of(after), change=Change(KEY, before, after))
    state = "planned" if graph.planning else "done"
    earlier = told_before(graph.made).get(KEY, Change(KEY, {}, {}))
    before, after = {**before, **earlier.before}, {**earlier.after, **after}
    for name in (name for name in target if name in after):
        shown = {"before": _shown(name, before[name]), "after": _shown(name, after[name])}
        yield {"setting": name, **shown, "state": state}


async def _read(graph: Graph) -> Mapping[str, Any]:
    settings = await graph.get(PATH)
    if not isinstance(settings, dict):
        raise GraphError(200, "NotSettings", "the answer holds no settings")
    return settings
