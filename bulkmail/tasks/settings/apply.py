"""Brings the settings of a mailbox to what the job says: one request to read, and one to write where anything differs.
Before a time zone or a language is written, the mailbox is asked whether it takes it.

The service keeps no version of the settings, so the last writer wins. What is written are absolute values, and a
setting that is not named keeps its own.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from bulkmail.graph import Graph
from bulkmail.model import Change, Mailbox, Row
from bulkmail.task.changes import told_before
from bulkmail.task.declare import task
from bulkmail.tasks.kit import expect
from bulkmail.tasks.kit.settings import PATH
from bulkmail.tasks.settings.fields import KEY, SETTINGS, body_of, same, value_of, values_of
from bulkmail.tasks.settings.options import SettingsApplyOptions, wanted
from bulkmail.tasks.settings.supported import check_supported, needs
from bulkmail.tasks.settings.undo import undo

COLUMNS = {
    "mailbox": "address as the input gives it",
    "setting": "what differs, by its name in settings.report",
    "before": "what it was; replies as text",
    "after": "what it is now, or would be",
    "state": "planned or done; stays: the reply that goes out when replies are switched on without a text of the job",
}


@task(
    "settings.apply",
    summary="Sets automatic replies, time zone, language, formats and working hours to what the job says",
    needs=needs,
    options=SettingsApplyOptions,
    columns=COLUMNS,
    key_columns=("setting",),
    writes=True,
    undo=undo,
    wants_columns=True,
)
async def settings_apply(mailbox: Mailbox, graph: Graph, options: SettingsApplyOptions) -> AsyncIterator[Row]:
    """A row for each setting that differs."""
    target = wanted(options, mailbox)
    if not target:
        return
    settings = expect.an_object(await graph.get(PATH), "settings")
    after = {name: value for name, value in target.items() if not same(name, value_of(settings, name), value)}
    before = values_of(settings, after)
    if options.check_supported is not False:
        await check_supported(mailbox, graph, after, strict=options.check_supported is True)
    if after:
        await graph.patch(PATH, body_of(after), change=Change(KEY, before, after))
    state = "planned" if graph.planning else "done"
    earlier = told_before(graph.made).get(KEY, Change(KEY, {}, {}))
    before, after = {**before, **earlier.before}, {**earlier.after, **after}
    for name in (name for name in target if name in after):
        shows = SETTINGS[name].shows
        yield {"setting": name, "before": shows(before[name]), "after": shows(after[name]), "state": state}
    for name in _texts_that_stay(target, after):
        text = SETTINGS[name].shows(value_of(settings, name))
        yield {"setting": name, "before": text, "after": text, "state": "stays"}


def _texts_that_stay(target: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The replies that people get, should they be switched on without a text of the job."""
    on = after.get("auto_reply_status") in ("alwaysEnabled", "scheduled")
    return [name for name in ("internal_reply", "external_reply") if on and name not in target]
