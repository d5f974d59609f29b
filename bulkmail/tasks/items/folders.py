"""The folders of a mailbox, of every type, as the import and export API shows them: found, and made.

learn.microsoft.com/graph/api/mailbox-list-folders, mailboxfolder-list-childfolders and mailbox-post-folders. Paths are
from the root, with slashes (see `kit.paths`).
"""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.tasks.kit import expect
from bulkmail.tasks.kit.paths import escaped, parted

PAGE = {"$top": 250}
DEEPEST = 300
"""Levels that a mailbox may have."""

RECOVERABLE = ("recoverableitemsdeletions", "recoverableitemsversions", "recoverableitemspurges")
"""Where deleted items are until their time is over; beside the root, and without folders below."""


class Folder(NamedTuple):
    """One folder. `known` is its path from the nearest well-known folder on, such as `inbox` or `inbox/Scans`; empty
    where it is below none. `items` is how many are in it."""

    id: str
    path: str
    type: str = ""
    known: str = ""
    items: int = 0
    children: int = 0

    @classmethod
    def of(cls, body: Any, parent: str = "", known: str = "") -> "Folder":
        """`parent` and `known` are the paths of the folder that it is in. Raises GraphError for what is not one."""
        found = expect.an_item(body, "a mailbox folder")
        plain, kind = escaped(expect.text(found, "displayName")), expect.text(found, "type")
        known = expect.text(found, "wellKnownName") or (f"{known}/{plain}" if known else "")
        counts = expect.number(found, "totalItemCount"), expect.number(found, "childFolderCount")
        return cls(found["id"], f"{parent}/{plain}" if parent else plain, kind, known, *counts)

    def is_below(self, name: str) -> bool:
        """Whether this is the folder of a path or well-known name, or one below it. Without regard to case."""
        wanted, path = name.strip("/").casefold(), self.path.casefold()
        return any(one == wanted or one.startswith(f"{wanted}/") for one in (path, self.known.casefold()))


async def tree(exchange: Graph, *, recoverable: bool = False) -> list[Folder]:
    """All folders below the root, each before those in it; and those of what can be recovered, where they are there."""
    found = [folder async for folder in _below(exchange, "/folders", Folder("", ""), 0)]
    for name in RECOVERABLE if recoverable else ():
        try:
            body = await exchange.get("/folders/{}", name)
        except GraphError as error:
            if error.status != 404:
                raise
            continue
        folder = Folder.of(body)._replace(known=name, path=f"Recoverable Items/{Folder.of(body).path}")
        if all(one.id != folder.id for one in found):
            found.append(folder)
    return found


async def _below(exchange: Graph, path: str, parent: Folder, depth: int, *ids: str) -> AsyncIterator[Folder]:
    inside = []
    async for body in exchange.items(path, *ids, params=PAGE):
        folder = Folder.of(body, parent.path, parent.known)
        yield folder
        if folder.children and depth < DEEPEST:
            inside.append(folder)
    for folder in inside:
        async for one in _below(exchange, "/folders/{}/childFolders", folder, depth + 1, folder.id):
            yield one


def names_of(path: str) -> list[str]:
    """The names of the folders in a path."""
    return [name for name in parted(path) if name]
