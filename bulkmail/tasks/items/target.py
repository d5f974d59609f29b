"""The folders that imported items go to: found in the mailbox, or made where they are missing.

Where a folder has a well-known name it is found by that, since its other name depends on the language of a mailbox.
"""

from functools import partial
from typing import Any

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change
from bulkmail.tasks.items.folders import PAGE, Folder, names_of, tree
from bulkmail.tasks.kit.keyed import UNMADE
from bulkmail.tasks.kit.paths import escaped

FOLDER = "folder:"
"""What the keys of changes begin with that make a folder, before its path."""


class Target:
    """The folders of one mailbox. `below` is the path of a folder that takes everything, or empty."""

    def __init__(self, exchange: Graph, below: str) -> None:
        self._exchange = exchange
        self._below = below.strip("/")
        self._paths: dict[str, Folder] = {}
        self._known: dict[str, Folder] = {}

    async def read(self) -> None:
        found = await tree(self._exchange)
        self._paths = {one.path.casefold(): one for one in found}
        self._known = {one.known.casefold(): one for one in found if one.known}

    async def place(self, path: str, known: str, kind: str) -> Folder:
        """The folder for items that were in `path`; `known` is that path from a well-known folder on, or empty."""
        first, *rest = names_of(known) if known and not self._below else [""]
        start = self._known.get(first.casefold())
        names = rest if start else [*names_of(self._below), *names_of(path)]
        folder = start or Folder("", "")
        for name in names:
            folder = await self._in(folder, name, kind)
        return folder

    async def _in(self, parent: Folder, name: str, kind: str) -> Folder:
        path = f"{parent.path}/{escaped(name)}" if parent.path else escaped(name)
        found = self._paths.get(path.casefold())
        if found is None:
            found = self._paths[path.casefold()] = await self._made(parent, name, path, kind)
        return found

    async def _made(self, parent: Folder, name: str, path: str, kind: str) -> Folder:
        where, ids = ("/folders/{}/childFolders", (parent.id,)) if parent.id else ("/folders", ())
        body = {"displayName": name, "type": kind or "IPF.Note"}
        find = partial(self._find, where, ids, name)
        try:
            answer = await self._exchange.create(where, body, *ids, change=Change(FOLDER + path, None, body), find=find)
        except GraphError as error:
            if error.status != 409 or (answer := await find()) is None:
                raise
        return Folder(UNMADE, path, kind) if answer is None else Folder.of(answer, parent.path)

    async def _find(self, where: str, ids: tuple[str, ...], name: str) -> Any:
        async for body in self._exchange.items(where, *ids, params=PAGE):
            if Folder.of(body).path.casefold() == escaped(name).casefold():
                return body
        return None
