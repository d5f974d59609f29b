"""The folders that rules name by their ids: their paths, and whether anyone looks there. Reads only."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.tasks.kit.folders import PERMISSION, ROOT, known, split, tree_of
from bulkmail.tasks.kit.paths import parted

__all__ = ["DELETED", "GONE", "HIDING", "PERMISSION", "Place", "id_of", "places"]

HIDING = ("archive", "clutter", "conversationhistory", "junkemail", "syncissues")
"""Folders in which no one looks for new mail."""

RECOVERABLE = "recoverableitemsdeletions"
DELETED = ("deleteditems", RECOVERABLE)
GONE = "(no such folder)"


class Place(NamedTuple):
    """Where a folder is; `known` is its well-known name, if it is one that matters here."""

    path: str
    known: str = ""

    @property
    def hides(self) -> bool:
        """RSS folders have no well-known name, but the same three letters in every language."""
        return self.known in HIDING or "rss" in self.path.casefold()


async def places(graph: Graph, ids: Iterable[str]) -> Mapping[str, Place]:
    """The places of these folders by their ids; of none, if none are asked for. See `kit.folders` for what it costs."""
    wanted = dict.fromkeys(ids)
    if not wanted:
        return {}
    tree = await tree_of(graph, (*HIDING, "deleteditems"))
    found = {one: Place(tree.places[one].path, tree.known.get(one, "")) for one in wanted if one in tree.places}
    found[tree.root] = Place("", ROOT)
    if not found.keys() >= wanted.keys() and (recoverable := await known(graph, RECOVERABLE)):
        found[recoverable.id] = Place(recoverable.name, RECOVERABLE)  # it lies outside of the tree
    return {one: found.get(one, Place(GONE)) for one in wanted}


async def id_of(graph: Graph, path: str) -> str:
    """The id of the folder at a path, which begins with a well-known name or below the root. Raises GraphError."""
    names = [name.strip() for name in parted(path)]
    start, rest = split(names)
    if rest:
        found = (await tree_of(graph, () if start == ROOT else (start,))).at(names)
    else:
        folder = await known(graph, start)
        found = folder and folder.id
    if found is None:
        raise GraphError(200, "NoSuchFolder", f"the mailbox has no folder {path[:100]!r}")
    return found
