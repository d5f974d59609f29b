"""One folder of contacts in one mailbox: found by its name, its contacts by their keys. Reads and writes; decides
nothing.

A contact of ours carries its key in a named property of its own, in the namespace

    String {5d1f0b7e-3a44-4c1e-9a54-6a6f2f0c8e21} Name ContactKey

so that Outlook and other programs leave it alone. Contacts without one are somebody else's and are never touched.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bulkmail.core.odata import literal, segment
from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Effect
from bulkmail.tasks.contact_fields import same

PROPERTY = "String {5d1f0b7e-3a44-4c1e-9a54-6a6f2f0c8e21} Name ContactKey"
EXTENDED = "singleValueExtendedProperties"
EXPANDED = f"{EXTENDED}($filter=id eq '{PROPERTY}')"
FOLDERS = "/contactFolders"
PAGE = 250
"""Contacts a page: the service gives up to 1,000, and large pages invite 504."""

UNMADE = "to-be-made"
"""Stands for the id of a folder that a plan would make. Writes below it are only noted, and nothing is read there."""

TRIES = 3
"""Times that a contact is written which others change meanwhile."""

NOT_OURS = frozenset({
    "id", "changeKey", "createdDateTime", "lastModifiedDateTime", "parentFolderId", "primaryEmailAddress",
    "secondaryEmailAddress", "tertiaryEmailAddress",
})  # fmt: skip
"""What the service itself gives to a contact."""


class Contact(NamedTuple):
    """One contact as it was read. `key` is empty for somebody else's."""

    id: str
    etag: str
    key: str
    props: Mapping[str, Any]


class Book:
    """The folder with this id; `below` makes paths in it."""

    def __init__(self, graph: Graph, folder_id: str) -> None:
        self._graph = graph
        self.made = folder_id != UNMADE
        self.path = f"{FOLDERS}/{segment(folder_id)}"
        self._contacts = f"{self.path}/contacts"

    async def contacts(self) -> list[Contact]:
        """All of them, others' too."""
        if not self.made:
            return []
        params: dict[str, str | int] = {"$top": PAGE, "$expand": EXPANDED}
        return [_contact(one) async for one in self._graph.items(self._contacts, params=params)]

    async def find(self, key: str) -> Contact | None:
        """The contact with this key."""
        wanted = f"{EXTENDED}/Any(ep: ep/id eq '{PROPERTY}' and ep/value eq {literal(key)})"
        params = {"$filter": wanted, "$expand": EXPANDED}
        async for one in self._graph.items(self._contacts, params=params):
            return _contact(one)
        return None

    async def read(self, contact: Contact) -> Contact:
        """The contact as it is now."""
        return _contact(await self._graph.get(self._path(contact), params={"$expand": EXPANDED}))

    async def create(self, key: str, props: Mapping[str, Any], change: Change) -> None:
        body = {**props, EXTENDED: [{"id": PROPERTY, "value": key}]}
        await self._graph.create(self._contacts, body, change=change, find=lambda: self.find(key))

    async def update(self, contact: Contact, props: Mapping[str, Any], key: str) -> None:
        """Sets these fields, unless another has changed the contact since it was read: then it is read again, and only
        what still differs is set. `key` is the change's."""
        for left in reversed(range(TRIES)):
            body = {name: value for name, value in props.items() if not same(name, contact.props.get(name), value)}
            if not body:
                return
            change = Change(key, {name: contact.props.get(name) for name in body}, body)
            headers = {"If-Match": contact.etag or "*"}
            try:
                await self._graph.patch(
                    self._path(contact), body, effect=Effect.VERIFIED, change=change, headers=headers
                )
            except GraphError as error:
                if error.status != 412 or not left:
                    raise
                contact = await self.read(contact)
            else:
                return

    async def delete(self, contact: Contact, change: Change) -> None:
        await remove(self._graph, self._path(contact), change)

    def _path(self, contact: Contact) -> str:
        return f"{self._contacts}/{segment(contact.id)}"


async def find_folder(graph: Graph, name: str) -> str | None:
    """The id of the folder with this name below the default one."""
    async for folder in graph.items(FOLDERS, params={"$top": PAGE, "$select": "id,displayName"}):
        if str(folder.get("displayName", "")).casefold() == name.casefold():
            return str(folder["id"])
    return None


async def open_book(graph: Graph, name: str, change: Change) -> Book:
    """The folder with this name, made where there is none."""
    found = await find_folder(graph, name)
    if found is not None:
        return Book(graph, found)
    try:
        made = await graph.create(FOLDERS, {"displayName": name}, change=change, find=lambda: _folder(graph, name))
    except GraphError as error:
        if error.status != 409:  # somebody else has made it in this moment
            raise
        made = await _folder(graph, name)
        if made is None:
            raise
    return Book(graph, UNMADE if made is None else str(made["id"]))


async def _folder(graph: Graph, name: str) -> Mapping[str, Any] | None:
    found = await find_folder(graph, name)
    return None if found is None else {"id": found}


async def remove(graph: Graph, path: str, change: Change) -> None:
    """Deletes what may be gone already."""
    try:
        await graph.delete(path, change=change)
    except GraphError as error:
        if (error.status, error.code) != (404, "ErrorItemNotFound"):
            raise


def kept(contact: Contact) -> dict[str, Any]:
    """All that a contact holds, as it can be made again. Its photo is not in it."""
    return {
        name: value
        for name, value in contact.props.items()
        if value not in (None, "", [], {}) and name not in NOT_OURS and name != EXTENDED and "@" not in name
    }


def _contact(body: Any) -> Contact:
    if not isinstance(body, dict) or not isinstance(body.get("id"), str):
        raise GraphError(200, "NotAContact", "the answer holds no contact")
    marks = body.get(EXTENDED)
    key = next((str(mark.get("value", "")) for mark in marks if isinstance(mark, dict)), "") if marks else ""
    return Contact(body["id"], str(body.get("@odata.etag", "")), key, body)
