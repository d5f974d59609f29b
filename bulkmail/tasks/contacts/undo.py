"""Takes back what a run of contacts.sync made of a folder, as far as it still stands as the run left it.

A contact that someone has changed since then is left alone and reported. The folder goes last, if the run made it and
nothing is left in it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any

from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Row
from bulkmail.task.changes import summed
from bulkmail.tasks.contacts.book import FEWEST, Book, Contact, find_folder, kept
from bulkmail.tasks.contacts.fields import FIELDS, same, shown
from bulkmail.tasks.contacts.options import ContactsSyncOptions
from bulkmail.tasks.kit import match, restore
from bulkmail.tasks.kit.collection import chunked
from bulkmail.tasks.kit.restore import Result

CONTACT, FOLDER = "contact:", "contact folder:"
"""What the keys of changes begin with."""


async def undo(
    mailbox: Mailbox, graph: Graph, options: ContactsSyncOptions, made: Sequence[Made]
) -> AsyncIterator[Row]:
    """Deletes what was made, puts back what was changed, makes again what was deleted: a row for each contact and
    folder."""
    del mailbox
    changes = summed(made)
    found = await find_folder(graph, options.folder)
    if found is None:
        for change in changes:
            yield restore.row(change.key, Result.ALREADY if change.before is None else Result.GONE)
        return
    book = Book(graph, found)
    keys = {_key(one).casefold() for one in changes if one.key.startswith(CONTACT)}
    held = await book.contacts(max(FEWEST, 2 * len(keys)), keys)
    ours = {contact.key.casefold(): contact for contact in held.ours}
    left = len(held.ours) + held.others
    steps = (
        partial(_contact, book, ours.get(_key(one).casefold()), one) for one in changes if one.key.startswith(CONTACT)
    )
    async for row, more in chunked(graph, steps):
        left += more
        yield row
    for change in changes:
        if change.key.startswith(FOLDER):
            yield await _folder(graph, book, change, left)


async def _contact(book: Book, there: Contact | None, change: Change) -> tuple[Row, int]:
    """The row of one contact, and how many contacts more there are."""
    result = restore.result_of(change, there, _holds)
    if result is not Result.RESTORED:
        return restore.row(change.key, result, found=shown(kept(there)) if there is not None else None), 0
    more = 0
    if there is None:
        await book.create(_key(change), change.before, Change(change.key, None, change.before))
        more = 1
    elif change.before is None:
        await book.delete(there, Change(change.key, kept(there), None))
        more = -1
    else:
        await book.update(there, change.before, change.key)
    return restore.row(change.key, result, restored=shown(change.before)), more


async def _folder(graph: Graph, book: Book, change: Change, left: int) -> Row:
    below = [one async for one in graph.items(f"{book.path}/childFolders", params={"$select": "id"})]
    if left > 0 or below:
        return restore.row(change.key, Result.CHANGED, found={"contacts": left, "folders": len(below)})
    await match.remove(graph, book.path, Change(change.key, change.after, None))
    return restore.row(change.key, Result.RESTORED)


def _key(change: Change) -> str:
    return change.key.removeprefix(CONTACT)


def _holds(contact: Contact, values: Mapping[str, Any]) -> bool:
    """Whether a contact says what `values` say of it."""
    return all(same(name, contact.props.get(name), value) for name, value in values.items() if name in FIELDS)
