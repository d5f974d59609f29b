"""The folders that rules name by their ids: their paths, and whether anyone looks there. Reads only."""

from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, NamedTuple

from bulkmail.graph import Graph
from bulkmail.tasks.kit.folders import folders_of, known, tree_of
from bulkmail.tasks.kit.tree import ROOT, root_of

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
    calls: list[Coroutine[Any, Any, Any]] = [tree_of(graph, (*HIDING, "deleteditems")), _beside(graph, wanted)]
    tree, _ = await graph.gather(*calls)
    found = {one: Place(tree.places[one].path, tree.known.get(one, "")) for one in wanted if one in tree.places}
    found[tree.root] = Place("", ROOT)
    if not found.keys() >= wanted.keys() and (recoverable := await known(graph, RECOVERABLE)):
        found[recoverable.id] = Place(recoverable.name, RECOVERABLE)  # it lies outside of the tree
    return {one: found.get(one, Place(GONE)) for one in wanted}


async def _beside(graph: Graph, wanted: Mapping[str, None]) -> None:
    """Asks for the folder outside of the tree as soon as it is clear that it is needed, and not behind all others."""
    folders = await folders_of(graph)
    if not {root_of(folders), *(folder.id for folder in folders)} >= wanted.keys():
        await known(graph, RECOVERABLE)
