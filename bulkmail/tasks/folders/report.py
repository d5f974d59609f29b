"""Reports the folders of a mailbox, a row each in the order of the tree, and one with the sums.

Search folders show what lies in others, and are left out of the sums.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.tasks.folders.changes import REMOVED, News, news
from bulkmail.tasks.folders.options import FoldersReportOptions
from bulkmail.tasks.kit.folders import PERMISSION, known, no_top, tree_of
from bulkmail.tasks.kit.tree import IN_SYNC_ISSUES, IN_TREE, Folder, Place, Tree, sums

COLUMNS = {
    "mailbox": "address as the input gives it",
    "folder_id": "the folder's id; empty in the row of sums",
    "path": "names from the top, with slashes; a slash or backslash in a name has a backslash before it, and a "
    "character that is not seen is written as \\u0009",
    "name": "name, in the language of the mailbox",
    "well_known": "what it is for in any language, such as inbox or deleteditems; empty for others",
    "items": "items in it, without those in its folders",
    "unread": "unread items in it",
    "size": "bytes of what is in it; empty where the service does not tell",
    "hidden": "whether programs hide it",
    "kind": "folder; search (it shows what lies in other folders, and is left out of the sums); or total (the sums "
    "of the folders that are reported)",
    "parent_id": "id of the folder that it lies in",
    "folders": "in the row of sums: how many folders there are",
}
CHANGE = {
    "change": "listed (in the first run), changed (new, or not as it was: name, place or items), restarted (the "
    "service has forgotten what it told last, and all are listed), or removed",
}


def columns(options: FoldersReportOptions) -> Mapping[str, str]:
    return {**COLUMNS, **CHANGE} if options.since else COLUMNS


@task(
    "folders.report",
    summary="Folders of each mailbox: tree, counts, sizes and well-known names, with a row of sums",
    permission=PERMISSION,
    options=FoldersReportOptions,
    columns=columns,
    keeps_state=True,
    key_columns=("folder_id",),
)
async def folders_report(mailbox: Mailbox, graph: Graph, options: FoldersReportOptions) -> AsyncIterator[Row]:
    """A row for each folder, and the sums last; with `since` none where nothing has changed."""
    del mailbox
    if not options.since:
        async for row in _rows(graph, options):
            yield row
        return
    recent = await news(graph)
    if not recent.there and not recent.gone:
        return
    async for row in _rows(graph, options):
        if row["kind"] == "total" or row["folder_id"] in recent.there:
            yield {**row, "change": recent.change}
    for row in _removed(recent) if options.only == "all" else ():
        yield row


def _removed(recent: News) -> Iterator[Row]:
    """A folder that is gone is known by its id alone."""
    for id_ in recent.gone:
        yield {**dict.fromkeys(COLUMNS.keys() - {"mailbox"}), "folder_id": id_, "kind": "folder", "change": REMOVED}


async def _rows(graph: Graph, options: FoldersReportOptions) -> AsyncIterator[Row]:
    tree, names = await _read(graph, options)
    reported = [*tree.walk(hidden=options.hidden)]
    if options.only == "all":
        for place in reported:
            yield row_of(place, names.get(place.folder.id, ""))
    yield total([place.folder for place in reported])


async def _read(graph: Graph, options: FoldersReportOptions) -> tuple[Tree, dict[str, str]]:
    """The tree, and the well-known names by ids. Those in Sync Issues are asked for where something lies in there."""
    wanted = options.well_known and options.only == "all"
    tree = await tree_of(
        graph, IN_TREE if wanted else (), sizes=options.sizes, hidden=options.hidden, walk=options.walk
    )
    if not tree.root:
        raise no_top()
    names = dict(tree.known)
    if not wanted:
        return tree, {}
    issues = next((one for one, name in names.items() if name == "syncissues"), "")
    if any(place.folder.parent == issues for place in tree.walk(hidden=options.hidden)):
        found = await graph.gather(*(known(graph, name) for name in IN_SYNC_ISSUES))
        names |= {one.id: name for name, one in zip(IN_SYNC_ISSUES, found, strict=True) if one is not None}
    return tree, names


def row_of(place: Place, well_known: str) -> Row:
    folder = place.folder
    return {
        "folder_id": folder.id,
        "path": place.path,
        "name": folder.name,
        "well_known": well_known,
        "items": folder.items,
        "unread": folder.unread,
        "size": folder.size,
        "hidden": folder.hidden,
        "kind": "search" if folder.search else "folder",
        "parent_id": folder.parent,
        "folders": None,
    }


def total(folders: Iterable[Folder]) -> Row:
    """The row of sums."""
    found = sums(folders)
    return {
        "folder_id": "",
        "path": "",
        "name": "",
        "well_known": "",
        "items": found.items,
        "unread": found.unread,
        "size": found.size,
        "hidden": None,
        "kind": "total",
        "parent_id": "",
        "folders": found.folders,
    }
