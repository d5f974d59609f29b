"""Where messages are looked for: all of a mailbox, or its folders by path; and the paths of folders by their ids.

The folders of a mailbox are one flat walk, whatever their number and depth (learn.microsoft.com/graph/api/
mailfolder-delta). What was deleted for good lies outside of them, in the recoverable items.
"""

from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.tasks.kit.folders import ABSENT, FOLDER, folders_of, id_of
from bulkmail.tasks.kit.paths import escaped
from bulkmail.tasks.kit.tree import ROOT, WELL_KNOWN, Tree, root_of
from bulkmail.tasks.messages.selection import Selection

RECOVERABLE, DELETED = "recoverableitemsdeletions", "deleteditems"
ALL: "Path" = ("/messages", ())
"""Every folder, Deleted Items and hidden ones included, but for the recoverable items."""

Path: TypeAlias = tuple[str, Sequence[str]]
"""The path of a list of messages, and the texts that fill it."""


async def tree_of(graph: Graph, options: Selection) -> Tree:
    """All folders of the mailbox, but for those of searches, which show messages that lie elsewhere. Read once."""
    beside = options.recoverable or any(name.casefold() == RECOVERABLE for name in options.folders or ())
    tree: Tree = await graph.shared.get(f"messages, recoverable {beside}", partial(_tree, graph, beside=beside))
    return tree


async def _tree(graph: Graph, *, beside: bool) -> Tree:
    folders = [one for one in await folders_of(graph) if not one.search]
    tree = Tree(folders, root_of(folders))
    for one in folders:
        if one.id not in tree.places:  # its parent is not told of
            tree.name(one.id, escaped(one.name))
    if beside and (recoverable := await folder_id(graph, RECOVERABLE)):
        tree.name(recoverable, RECOVERABLE)
    return tree


async def paths(graph: Graph, options: Selection) -> list[Path]:
    """The lists to walk. A folder that a mailbox does not have holds nothing."""
    if not options.folders:
        return [ALL, in_folder(RECOVERABLE)] if options.recoverable else [ALL]
    return [in_folder(key) for key in await folder_keys(graph, options)]


def in_folder(key: str) -> Path:
    """The messages of a folder, by its id or well-known name."""
    return FOLDER + "/messages", (key,)


async def folder_keys(graph: Graph, options: Selection) -> list[str]:
    """The ids of the folders that are named, or one well-known name as it is, which saves a request."""
    folders = options.folders or ()
    first = folders[0].casefold()
    if len(folders) == 1 and first in WELL_KNOWN and first != ROOT and not options.subfolders:
        named = [first]
    else:
        ids = await graph.gather(*(folder_id(graph, path) for path in folders))
        named = [id_ for id_ in ids if id_]
        if options.subfolders and named:
            tree = await tree_of(graph, options)
            named = [one for id_ in named for one in tree.below(id_)]
    if options.recoverable:
        named.append(RECOVERABLE)
    return list(dict.fromkeys(named))


async def folder_id(graph: Graph, path: str) -> str:
    """The id of a folder; empty where the mailbox has none at this path."""
    try:
        return await id_of(graph, path)
    except GraphError as error:
        if error.code != "NoSuchFolder":
            raise
        return ""


def is_absent(error: GraphError) -> bool:
    """Whether the service says that a folder or a message is not there."""
    return error.status in (400, 404) and error.code in ABSENT
