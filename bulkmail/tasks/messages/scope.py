"""Where messages are looked for: all of a mailbox, or its folders by path; and the paths of folders by their ids.

The folders of a mailbox are one flat walk, whatever their number and depth (learn.microsoft.com/graph/api/
mailfolder-delta). What was deleted for good lies outside of them, in the recoverable items.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.tasks.kit.folders import ABSENT, FOLDER, folders_of, id_of
from bulkmail.tasks.kit.paths import joined
from bulkmail.tasks.kit.tree import ROOT, WELL_KNOWN
from bulkmail.tasks.messages.selection import Selection

RECOVERABLE, DELETED = "recoverableitemsdeletions", "deleteditems"
ALL: "Path" = ("/messages", ())
"""Every folder, Deleted Items and hidden ones included, but for the recoverable items."""

GONE = "(no such folder)"
DEEPEST = 300
"""Levels that a mailbox may have; a chain of parents that is longer goes in circles."""

Path: TypeAlias = tuple[str, Sequence[str]]
"""The path of a list of messages, and the texts that fill it."""


class Tree:
    """The folders of a mailbox by their ids, each with its name and its parent."""

    def __init__(self, folders: Mapping[str, tuple[str, str]]) -> None:
        self._folders = dict(folders)
        self._children: dict[str, list[str]] = defaultdict(list)
        for id_, (_, parent) in folders.items():
            self._children[parent].append(id_)

    def path(self, id_: str) -> str:
        """From the root, with slashes (see `kit.paths`); a well-known name stays as it is."""
        if id_ in WELL_KNOWN:
            return id_
        names: list[str] = []
        while (folder := self._folders.get(id_)) is not None and len(names) < DEEPEST:
            names.insert(0, folder[0])
            id_ = folder[1]
        return joined(names) or GONE

    def name(self, id_: str, name: str) -> None:
        """Tells of a folder outside of the root, such as that of the recoverable items."""
        self._folders.setdefault(id_, (name, ""))

    def within(self, id_: str) -> Iterator[str]:
        """A folder, and all that lie below it."""
        waiting, seen = [id_], {id_}
        while waiting:
            yield (one := waiting.pop())
            waiting += [child for child in self._children[one] if child not in seen]
            seen.update(waiting)

    def __iter__(self) -> Iterator[str]:
        return iter(self._folders)


async def tree_of(graph: Graph, options: Selection) -> Tree:
    """All folders of the mailbox, but for those of searches, which show messages that lie elsewhere. Read once."""
    beside = options.recoverable or any(name.casefold() == RECOVERABLE for name in options.folders or ())
    tree: Tree = await graph.shared.get(f"messages, recoverable {beside}", partial(_tree, graph, beside=beside))
    return tree


async def _tree(graph: Graph, *, beside: bool) -> Tree:
    tree = Tree({one.id: (one.name, one.parent) for one in await folders_of(graph) if not one.search})
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
            named = [one for id_ in named for one in tree.within(id_)]
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
