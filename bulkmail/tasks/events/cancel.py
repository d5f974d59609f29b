"""Takes the event of a campaign out of every calendar: what carries its mark, and nothing else.

An event to which people were invited since, or files attached, or which was made a series, is told and left: to delete
it would send mail, or lose what could not be put back.
"""

from collections.abc import AsyncIterator

from bulkmail.graph import Graph
from bulkmail.model import Change, Mailbox, Row
from bulkmail.task.changes import told_before
from bulkmail.task.declare import task
from bulkmail.tasks.events.add import row_of
from bulkmail.tasks.events.calendar import KEY, as_made, find, in_use, remove, values_of
from bulkmail.tasks.events.event import key_of
from bulkmail.tasks.events.options import EventsCancelOptions
from bulkmail.tasks.events.undo import undo_cancelled

COLUMNS = {
    "mailbox": "address as the input gives it",
    "subject": "subject of the event",
    "start": "when it begins",
    "end": "when it ends; of one that lasts all day, the midnight after its last day",
    "time_zone": "zone of both",
    "all_day": "whether it lasts all day",
    "action": "cancel",
    "key": "what the event is marked with",
    "state": "planned or done; in_use: people were invited to it, files attached, or it was made a series, and it was "
    "left",
}


@task(
    "events.cancel",
    summary="Takes the event that events.add has added out of every calendar, and nothing else",
    permission="Calendars.ReadWrite",
    options=EventsCancelOptions,
    columns=COLUMNS,
    key_columns=("key",),
    writes=True,
    undo=undo_cancelled,
)
async def events_cancel(mailbox: Mailbox, graph: Graph, options: EventsCancelOptions) -> AsyncIterator[Row]:
    """A row for each event: one, unless its owner has copied it."""
    key = key_of(options.campaign, mailbox)
    state = "planned" if graph.planning else "done"
    earlier = told_before(graph.made)
    for found in await find(graph, key):
        event = await as_made(graph, found)
        told = {**row_of(event), "action": "cancel", "key": key}
        if in_use(event):
            yield {**told, "state": "in_use"}
            continue
        change = Change(f"{KEY}{key}:{event['id']}", values_of(event), None)
        await remove(graph, event, change)
        earlier.pop(change.key, None)
        yield {**told, "state": state}
    for made in earlier.values():  # what a process that died has taken away
        yield {**row_of(made.before), "action": "cancel", "key": key, "state": state}
