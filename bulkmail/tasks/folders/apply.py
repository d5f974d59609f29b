"""Gives every mailbox the folders of the job: makes those that are missing, with the folders around them.

A folder is known by its path, without regard to case, as the service does; one that is there stays as it is. Folders of
a mailbox are made one after another, since most lie in one that was made before.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Mailbox, Row
from bulkmail.task.changes import told_before
from bulkmail.task.declare import task
from bulkmail.tasks.folders.options import FoldersApplyOptions
from bulkmail.tasks.folders.undo import KEY, undo
from bulkmail.tasks.kit import expect
from bulkmail.tasks.kit.collection import tolerated
from bulkmail.tasks.kit.folders import CHILDREN, PAGE, tree_of
from bulkmail.tasks.kit.keyed import UNMADE
from bulkmail.tasks.kit.paths import joined, parted
from bulkmail.tasks.kit.tree import Folder, Tree, split

COLUMNS = {
    "mailbox": "address as the input gives it",
    "path": "names from the top or from a well-known folder, with slashes",
    "folder_id": "the folder's id; empty in a plan",
    "action": "create",
    "state": "planned or done; already: it was made by someone else in this moment",
}


@task(
    "folders.apply",
    summary="Gives every mailbox the folders of the job, by path",
    permission="Mail.ReadWrite",
    options=FoldersApplyOptions,
    columns=COLUMNS,
    writes=True,
    undo=undo,
    wants_columns=True,
    key_columns=("path",),
)
async def folders_apply(mailbox: Mailbox, graph: Graph, options: FoldersApplyOptions) -> AsyncIterator[Row]:
    """A row for each folder that is made."""
    paths = [*options.paths(mailbox)]
    if not paths:
        return
    tree = await tree_of(graph, [split(names)[0] for names in paths])
    shelf = Shelf(graph, tree, hidden=options.hidden)
    earlier = told_before(graph.made)
    refusal: GraphError | None = None
    for path in paths:
        for names in _stages(path):
            told = await tolerated(lambda names=names: shelf.made(names))  # type: ignore[misc]
            if isinstance(told, GraphError):  # nor can what would lie in it be made
                refusal = refusal or told
                break
            if told is not None:
                ours = earlier.pop(KEY + told["path"], None)  # its answer was lost to a process that died
                yield {**told, "state": "done"} if ours else told
    for key in earlier:  # what a process that died has made
        text = key.removeprefix(KEY)
        if found := tree.at(parted(text)):
            yield _row(text, found, "done")
    if refusal is not None:
        raise refusal


def _stages(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """The folders of a path that can be made, the outermost first."""
    _, rest = split(names)
    for length in range(len(names) - len(rest), len(names)):
        yield names[: length + 1]


class Shelf:
    """The folders of a mailbox, with those that are made on the way."""

    def __init__(self, graph: Graph, tree: Tree, *, hidden: bool) -> None:
        self._graph = graph
        self._tree = tree
        self._hidden = hidden
        self._made: dict[str, str] = {}  # path in lower case to the id

    async def made(self, names: Sequence[str]) -> Row | None:
        """The row of a folder that is made; None for one that is there. The folder around it was made before."""
        path = joined(names)
        if self._id(names) is not None:
            return None
        start, _ = split(names)
        around = self._id(names[:-1]) if len(names) > 1 else self._tree.root
        if not around:
            raise GraphError(200, "NoSuchFolder", f"the mailbox has no folder {start}")
        body = {"displayName": names[-1], "isHidden": self._hidden}
        try:
            answer = await self._graph.create(
                CHILDREN, body, around, change=Change(KEY + path, None, body),
                find=lambda: named(self._graph, around, names[-1]),
            )  # fmt: skip
            state = "planned" if self._graph.planning else "done"
        except GraphError as error:
            if error.code != "ErrorFolderExists" or (answer := await named(self._graph, around, names[-1])) is None:
                raise
            state = "already"
        found = "" if self._graph.planning else expect.an_item(answer, "a folder", status=201)["id"]
        self._made[path.casefold()] = found or UNMADE
        return _row(path, found, state)

    def _id(self, names: Sequence[str]) -> str | None:
        return self._made.get(joined(names).casefold()) or self._tree.at(names)


async def named(graph: Graph, parent: str, name: str) -> Any:
    """The folder of a name in another one, as it is at this moment; None if there is none."""
    params: dict[str, str | int] = {"$select": "id,displayName", "$top": PAGE, "includeHiddenFolders": "true"}
    async for item in graph.items(CHILDREN, parent, params=params):
        if Folder.of(item).name.casefold() == name.casefold():
            return item
    return None


def _row(path: str, found: str, state: str) -> Row:
    return {"path": path, "folder_id": found, "action": "create", "state": state}
