"""Takes away the folders that a run has made, each that is still at its place and has nothing in it.

They go to Deleted Items, as when a person deletes them: what comes in at this very moment is not lost.
"""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

from bulkmail.core.odata import segment
from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Row
from bulkmail.task.changes import summed
from bulkmail.tasks.kit import match, restore
from bulkmail.tasks.kit.folders import tree_of
from bulkmail.tasks.kit.paths import parted
from bulkmail.tasks.kit.restore import Result
from bulkmail.tasks.kit.tree import Folder, Tree, split

DELETED = "deleteditems"
KEY = "folder:"
"""What the key of a change begins with, before the path."""


async def undo(mailbox: Mailbox, graph: Graph, options: Any, made: Sequence[Made]) -> AsyncIterator[Row]:
    """A row for each folder, those that lie in others first."""
    del mailbox, options
    ids = {one.change.key: one.id for one in made if one.id}
    changes = {change.key: (change, parted(change.key.removeprefix(KEY))) for change in summed(made)}
    tree = await tree_of(graph, [DELETED, *(split(names)[0] for _, names in changes.values())])
    removed = set[str]()
    for change, names in sorted(changes.values(), key=lambda one: len(one[1]), reverse=True):
        folder = _there(tree, ids.get(change.key) or tree.at(names))
        left = [] if folder is None else [one for one in tree.inside(folder.id) if one.id not in removed]
        result = restore.result_of(change, folder, partial(_is_as_left, tree, names, left))
        if folder is not None and result is Result.RESTORED:
            await match.remove(graph, f"/mailFolders/{segment(folder.id)}", Change(change.key, change.after, None))
            removed.add(folder.id)
        yield restore.row(change.key, result, found=folder and _found(tree, folder, len(left)))


def _is_as_left(tree: Tree, names: Sequence[str], left: Sequence[Folder], folder: Folder, _made: Any) -> bool:
    """Whether a folder is at its place, and empty."""
    return tree.at(names) == folder.id and folder.items == 0 and not left


def _there(tree: Tree, found: str | None) -> Folder | None:
    """The folder with this id; one in Deleted Items counts as gone, also where another program put it there."""
    place = tree.places.get(found or "")
    return place.folder if place and not tree.within(place.folder, DELETED) else None


def _found(tree: Tree, folder: Folder, inside: int) -> Row:
    """Why a folder was left."""
    return {"path": tree.places[folder.id].path, "items": folder.items, "folders": inside}
