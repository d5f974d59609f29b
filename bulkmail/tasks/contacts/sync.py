"""Keeps the contacts of a list in a folder of each mailbox: makes what is missing, updates what differs, deletes what
has left the list. Touches only contacts that carry a key of ours.

What was there is read first, so that a run that was cut short goes on where it was, and a second run writes nothing.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from functools import partial

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Mailbox, Row
from bulkmail.task.changes import told_before
from bulkmail.task.declare import task
from bulkmail.tasks.contacts.book import FEWEST, Book, Contact, kept, open_book
from bulkmail.tasks.contacts.fields import same, shown
from bulkmail.tasks.contacts.options import ContactsSyncOptions, Wanted
from bulkmail.tasks.contacts.undo import CONTACT, FOLDER, undo
from bulkmail.tasks.kit.collection import chunked, steps, tolerated

FOLD = 4
"""Times as many contacts of ours as the list has may be in a folder: a list shrinks, and not to a quarter."""

COLUMNS = {
    "mailbox": "address as the input gives it",
    "key": "the contact's key in the list",
    "action": "create, update or delete",
    "before": "the fields that differ, or all that are deleted, as they were",
    "after": "the fields that differ, or all that are made, as they are now or would be",
    "state": "planned or done",
}


@task(
    "contacts.sync",
    summary="Keeps the contacts of a list in a folder of each mailbox",
    permission="Contacts.ReadWrite",
    options=ContactsSyncOptions,
    columns=COLUMNS,
    key_columns=("key",),
    writes=True,
    undo=undo,
)
async def contacts_sync(mailbox: Mailbox, graph: Graph, options: ContactsSyncOptions) -> AsyncIterator[Row]:
    """A row for each contact that is written."""
    del mailbox
    name = options.folder
    book = await open_book(graph, name, Change(f"{FOLDER}{name}", None, {"displayName": name}))
    there = (await book.contacts(max(FEWEST, FOLD * len(options.wanted)))).ours
    options.require_few_deleted([contact.key for contact in there])
    state = "planned" if graph.planning else "done"
    earlier = told_before(graph.made)
    refusal: GraphError | None = None
    ours = ((contact.key, contact) for contact in there)
    writing = steps(
        options.wanted, ours, same=_same,
        create=partial(_create, book), update=partial(_update, book), delete=partial(_delete, book),
    )  # fmt: skip
    async for told in chunked(graph, (partial(tolerated, step) for step in writing)):
        if isinstance(told, GraphError):
            refusal = refusal or told
        else:
            earlier.pop(CONTACT + told["key"], None)
            yield {**told, "state": state}
    for row in _told_before(earlier.values()):
        yield {**row, "state": state}
    if refusal is not None:  # one contact that the service will not take does not keep the others from their places
        raise refusal


def _told_before(changes: Iterable[Change]) -> Iterator[Row]:
    """Contacts that a process which died had written, and that needed no more."""
    for one in changes:
        if one.key.startswith(CONTACT):
            action = "create" if one.before is None else "delete" if one.after is None else "update"
            shown_ = {"before": shown(one.before), "after": shown(one.after)}
            yield {"key": one.key.removeprefix(CONTACT), "action": action, **shown_}


def _same(wanted: Wanted, contact: Contact) -> bool:
    return all(same(name, contact.props.get(name), value) for name, value in wanted.fields.items())


async def _create(book: Book, wanted: Wanted) -> Row:
    props = {name: value for name, value in wanted.fields.items() if value}
    await book.create(wanted.key, props, Change(CONTACT + wanted.key, None, props))
    return {"key": wanted.key, "action": "create", "before": None, "after": shown(props)}


async def _update(book: Book, wanted: Wanted, contact: Contact) -> Row:
    after = {name: value for name, value in wanted.fields.items() if not same(name, contact.props.get(name), value)}
    before = {name: contact.props.get(name) for name in after}
    await book.update(contact, after, CONTACT + contact.key)
    return {"key": contact.key, "action": "update", "before": shown(before), "after": shown(after)}


async def _delete(book: Book, contact: Contact) -> Row:
    before = kept(contact)
    await book.delete(contact, Change(CONTACT + contact.key, before, None))
    return {"key": contact.key, "action": "delete", "before": shown(before), "after": None}
