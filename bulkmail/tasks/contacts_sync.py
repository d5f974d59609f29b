"""Keeps the contacts of a list in a folder of each mailbox: makes what is missing, mends what differs, deletes what has
left the list. Touches only contacts that carry a key of ours.

What was there is read first, so that a run that was cut short goes on where it was, and a second one writes nothing.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Row
from bulkmail.task.changes import told_before
from bulkmail.task.declare import task
from bulkmail.tasks.contact_book import Book, Contact, kept, open_book
from bulkmail.tasks.contact_fields import same, shown
from bulkmail.tasks.contact_list import ContactsSyncOptions, Wanted
from bulkmail.tasks.contact_undo import CONTACT, FOLDER, taken_back

CHUNK = 200
"""Contacts that are written at a time; the limits decide how many of them at once."""

COLUMNS = {
    "mailbox": "address as the input gives it",
    "key": "the contact's key in the list",
    "action": "create, update or delete",
    "before": "the fields that differ, or all that are deleted, as they were",
    "after": "the fields that differ, or all that are made, as they are now or would be",
    "state": "planned or done",
}

LASTING = frozenset({401, 403, 507})
"""Refusals that the next contact would get as well: no right to write, or a full mailbox."""

Step: TypeAlias = Callable[[], Coroutine[Any, Any, Row]]


async def undo(
    mailbox: Mailbox, graph: Graph, options: ContactsSyncOptions, made: Sequence[Made]
) -> AsyncIterator[Row]:
    """Deletes what was made, puts back what was changed, makes again what was deleted."""
    del mailbox
    async for row in taken_back(graph, options.folder, made):
        yield row


@task(
    "contacts.sync",
    summary="Keeps the contacts of a list in a folder of each mailbox",
    permission="Contacts.ReadWrite",
    options=ContactsSyncOptions,
    columns=COLUMNS,
    writes=True,
    undo=undo,
)
async def contacts_sync(mailbox: Mailbox, graph: Graph, options: ContactsSyncOptions) -> AsyncIterator[Row]:
    """A row for each contact that is written."""
    del mailbox
    name = options.folder
    book = await open_book(graph, name, Change(f"{FOLDER}{name}", None, {"displayName": name}))
    steps = _steps(book, options, await book.contacts())
    state = "planned" if graph.planning else "done"
    earlier = told_before(graph.made)
    refusal: GraphError | None = None
    while chunk := list(islice(steps, CHUNK)):
        for told in await graph.gather(*map(_told, chunk)):
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


async def _told(step: Step) -> Row | GraphError:
    try:
        return await step()
    except GraphError as error:
        if error.status in LASTING or error.status >= 500:
            raise
        return error


def _steps(book: Book, options: ContactsSyncOptions, there: Sequence[Contact]) -> Iterator[Step]:
    """What is to be done, in the order of the list; what is to go comes last."""
    ours: dict[str, list[Contact]] = defaultdict(list)
    for contact in there:
        if contact.key:
            ours[contact.key.casefold()].append(contact)
    for folded, wanted in options.wanted.items():
        found = ours.pop(folded, [])
        if not found:
            yield partial(_create, book, wanted)
            continue
        contact, *others = found
        if not all(same(name, contact.props.get(name), value) for name, value in wanted.fields.items()):
            yield partial(_update, book, contact, wanted)
        yield from (partial(_delete, book, other) for other in others)  # somebody has copied it
    for contacts in ours.values():
        yield from (partial(_delete, book, contact) for contact in contacts)


async def _create(book: Book, wanted: Wanted) -> Row:
    props = {name: value for name, value in wanted.fields.items() if value}
    await book.create(wanted.key, props, Change(CONTACT + wanted.key, None, props))
    return {"key": wanted.key, "action": "create", "before": None, "after": shown(props)}


async def _update(book: Book, contact: Contact, wanted: Wanted) -> Row:
    after = {name: value for name, value in wanted.fields.items() if not same(name, contact.props.get(name), value)}
    before = {name: contact.props.get(name) for name in after}
    await book.update(contact, after, CONTACT + contact.key)
    return {"key": contact.key, "action": "update", "before": shown(before), "after": shown(after)}


async def _delete(book: Book, contact: Contact) -> Row:
    before = kept(contact)
    await book.delete(contact, Change(CONTACT + contact.key, before, None))
    return {"key": contact.key, "action": "delete", "before": shown(before), "after": None}
