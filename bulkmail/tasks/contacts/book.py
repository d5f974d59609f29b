"""One folder of contacts in one mailbox: found by its name, its contacts by their keys. Reads and writes; decides
nothing.

A contact of ours carries its key in a named property (MARK), and a folder that we made carries its name in one.
Contacts without one belong to someone else and are never touched.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from bulkmail.core.odata import segment
from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change
from bulkmail.tasks.contacts.fields import same
from bulkmail.tasks.kit import expect, match
from bulkmail.tasks.kit.keyed import EXTENDED, UNMADE, Mark, key_of

MARK = Mark("5d1f0b7e-3a44-4c1e-9a54-6a6f2f0c8e21", "ContactKey")
FOLDER_MARK = Mark("5d1f0b7e-3a44-4c1e-9a54-6a6f2f0c8e21", "ContactFolder")
FOLDERS = "/contactFolders"
PAGE = 250
"""Contacts a page: the service gives up to 1,000, and large pages invite 504."""

FEWEST = 20_000
"""Contacts of ours that a folder may hold in any case, whatever the list has; a large company's are some thousands."""

NOT_OURS = frozenset({
    "id", "changeKey", "createdDateTime", "lastModifiedDateTime", "parentFolderId", "primaryEmailAddress",
    "secondaryEmailAddress", "tertiaryEmailAddress",
})  # fmt: skip
"""What the service itself gives to a contact."""


class Contact(NamedTuple):
    """One contact as it was read. `key` is empty for someone else's."""

    id: str
    etag: str
    key: str
    props: Mapping[str, Any]


class Held(NamedTuple):
    """What a folder holds: the contacts of ours that were asked for, and how many others."""

    ours: list[Contact]
    others: int


class Book:
    """The folder with this id, which is at `path`."""

    def __init__(self, graph: Graph, folder_id: str) -> None:
        self._graph = graph
        self._exists = folder_id != UNMADE
        self.path = f"{FOLDERS}/{segment(folder_id)}"
        self._contacts = f"{self.path}/contacts"

    async def contacts(self, most: int = FEWEST, among: Collection[str] | None = None) -> Held:
        """What is there. There may be millions of others, which are counted and not kept; so are those of ours that are
        not `among` these keys, written in lower case. Raises GraphError where more than `most` are ours: someone else
        has marked them, and memory would have to hold them."""
        ours, others = list[Contact](), 0
        if not self._exists:
            return Held(ours, others)
        params: dict[str, str | int] = {"$top": PAGE, "$expand": MARK.expand}
        async for one in self._graph.items(self._contacts, params=params):
            contact = _contact(one)
            if contact.key and (among is None or contact.key.casefold() in among):
                ours.append(contact)
            else:
                others += 1
            if len(ours) > most:
                raise GraphError(
                    200, "TooManyContacts", f"more than {most:,} contacts in the folder carry a key of ours: "
                    "bulkmail has not made them all, and leaves them alone",
                )  # fmt: skip
        return Held(ours, others)

    async def find(self, key: str) -> Contact | None:
        """The contact with this key."""
        params = {"$filter": MARK.filter(key), "$expand": MARK.expand}
        async for one in self._graph.items(self._contacts, params=params):
            return _contact(one)
        return None

    async def read(self, contact: Contact) -> Contact:
        """The contact as it is now."""
        return _contact(await self._graph.get(self._path(contact), params={"$expand": MARK.expand}))

    async def create(self, key: str, props: Mapping[str, Any], change: Change) -> None:
        """A new contact with this key."""
        body = MARK.marked(props, key)
        await self._graph.create(self._contacts, body, change=change, find=lambda: self.find(key))

    async def update(self, contact: Contact, props: Mapping[str, Any], key: str) -> None:
        """Sets these fields where they differ. `key` is the change's."""

        def differing(now: Contact) -> Mapping[str, Any]:
            return {name: value for name, value in props.items() if not same(name, now.props.get(name), value)}

        def change(now: Contact, body: Mapping[str, Any]) -> Change:
            return Change(key, {name: now.props.get(name) for name in body}, body)

        await match.update(
            self._graph, self._path(contact), contact,
            differing=differing, change=change, read=lambda: self.read(contact),
        )  # fmt: skip

    async def delete(self, contact: Contact, change: Change) -> None:
        await match.remove(self._graph, self._path(contact), change)

    def _path(self, contact: Contact) -> str:
        return f"{self._contacts}/{segment(contact.id)}"


async def find_folder(graph: Graph, name: str) -> str | None:
    """The id of our folder with this name below the default one. A single one is taken for ours; of several, it is the
    one with our mark, or with contacts of ours.

    Raises GraphError where that leaves none or several: contacts in the wrong one would be there twice.
    """
    params: dict[str, str | int] = {"$top": PAGE, "$select": "id,displayName", "$expand": FOLDER_MARK.expand}
    named = [
        folder
        async for folder in graph.items(FOLDERS, params=params)
        if str(folder.get("displayName", "")).casefold() == name.casefold()
    ]
    if len(named) < 2:
        return str(named[0]["id"]) if named else None
    marked = [folder for folder in named if key_of(folder)]
    if len(marked) == 1:
        return str(marked[0]["id"])
    candidates = [str(folder["id"]) for folder in marked or named]
    ours = [found for found in candidates if (await Book(graph, found).contacts()).ours]
    if len(ours) == 1 or (marked and not ours):  # empty ones that are both marked: a create was answered twice
        return (ours or sorted(candidates))[0]
    raise GraphError(
        200,
        "FolderNotUnique",
        f"{len(named)} contact folders are named {name[:60]!r}, and which of them is bulkmail's cannot be told: rename "
        f"or remove all but one (ids {', '.join(ours or candidates)})",
    )


async def open_book(graph: Graph, name: str, change: Change) -> Book:
    """The folder with this name, made where there is none."""
    found = await find_folder(graph, name)
    if found is not None:
        return Book(graph, found)
    try:
        body = FOLDER_MARK.marked({"displayName": name}, name)
        made = await graph.create(FOLDERS, body, change=change, find=lambda: _folder(graph, name))
    except GraphError as error:
        if error.status != 409:  # someone else has made it in this moment
            raise
        made = await _folder(graph, name)
        if made is None:
            raise
    if graph.planning:
        return Book(graph, UNMADE)
    return Book(graph, expect.an_item(made, "a folder", status=201)["id"])


async def _folder(graph: Graph, name: str) -> Mapping[str, Any] | None:
    found = await find_folder(graph, name)
    return None if found is None else {"id": found}


def kept(contact: Contact) -> dict[str, Any]:
    """All that a contact holds, as it can be made again. Its photo is not in it."""
    return {
        name: value
        for name, value in contact.props.items()
        if value not in (None, "", [], {}) and name not in NOT_OURS and name != EXTENDED and "@" not in name
    }


def _contact(body: Any) -> Contact:
    item = expect.an_item(body, "a contact")
    return Contact(item["id"], str(item.get("@odata.etag", "")), key_of(item), item)
