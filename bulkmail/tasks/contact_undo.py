"""Takes back what a run of contacts.sync made of a folder, as far as it still stands as the run left it.

A contact that somebody has changed since is left alone and told of. The folder goes last, if the run made it and
nothing is left in it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import islice
from typing import Any

from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Row
from bulkmail.task.changes import summed
from bulkmail.tasks.contact_book import Book, Contact, find_folder, kept, remove
from bulkmail.tasks.contact_fields import FIELDS, same, shown

CONTACT, FOLDER = "contact:", "contact folder:"
"""What the keys of changes begin with."""

CHUNK = 200


async def taken_back(graph: Graph, folder: str, made: Sequence[Made]) -> AsyncIterator[Row]:
    """A row for each contact and folder that the run had changed."""
    changes = summed(made)
    found = await find_folder(graph, folder)
    if found is None:
        for change in changes:
            yield _row(change, "already" if change.before is None else "gone")
        return
    book = Book(graph, found)
    contacts = await book.contacts()
    ours = {contact.key.casefold(): contact for contact in contacts if contact.key}
    left = len(contacts)
    steps = iter([change for change in changes if change.key.startswith(CONTACT)])
    while chunk := list(islice(steps, CHUNK)):
        rows = await graph.gather(*(_contact(book, ours.get(_key(one).casefold()), one) for one in chunk))
        for change, row in zip(chunk, rows, strict=True):
            if row["result"] == "restored":
                left += (change.after is None) - (change.before is None)
            yield row
    for change in changes:
        if change.key.startswith(FOLDER):
            yield await _folder(graph, book, change, left)


async def _contact(book: Book, there: Contact | None, change: Change) -> Row:
    if there is None:
        if change.before is None:
            return _row(change, "already")
        if change.after is not None:
            return _row(change, "gone")
        await book.create(_key(change), change.before, Change(change.key, None, change.before))
        return _row(change, "restored")
    if change.before is not None and _holds(there, change.before):
        return _row(change, "already")
    if change.after is None or not _holds(there, change.after):
        return _row(change, "changed", shown(kept(there)))
    if change.before is None:
        await book.delete(there, Change(change.key, kept(there), None))
    else:
        await book.update(there, change.before, change.key)
    return _row(change, "restored")


async def _folder(graph: Graph, book: Book, change: Change, left: int) -> Row:
    below = [one async for one in graph.items(f"{book.path}/childFolders", params={"$select": "id"})]
    if left > 0 or below:
        return _row(change, "changed", {"contacts": left, "folders": len(below)})
    await remove(graph, book.path, Change(change.key, change.after, None))
    return _row(change, "restored")


def _key(change: Change) -> str:
    return change.key.removeprefix(CONTACT)


def _holds(contact: Contact, values: Mapping[str, Any]) -> bool:
    """Whether a contact says what `values` say of it."""
    return all(same(name, contact.props.get(name), value) for name, value in values.items() if name in FIELDS)


def _row(change: Change, result: str, found: Any = None) -> Row:
    restored = shown(change.before) if result == "restored" and change.key.startswith(CONTACT) else None
    return {"key": change.key, "result": result, "restored": restored, "found": found}
