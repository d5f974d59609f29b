"""Reads the folders of a mailbox, all at once, and those with well-known names; what several parts of a task read of
one mailbox is read once.

One request for each thousand folders, by a delta query that is never gone on with; parent by parent in clouds that do
not have it. learn.microsoft.com/graph/api/mailfolder-delta
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.tasks.kit.collection import chunked
from bulkmail.tasks.kit.paths import parted
from bulkmail.tasks.kit.settings import SETTINGS, archive_of
from bulkmail.tasks.kit.tree import ARCHIVE, INBOX, ROOT, Folder, Tree, split

PERMISSION = "Mail.ReadBasic.All"
"""The least application permission to read folders."""

FOLDERS, FOLDER, CHILDREN = "/mailFolders", "/mailFolders/{}", "/mailFolders/{}/childFolders"
PAGE = 1000
"""Folders of a page; the service may give fewer."""

ABSENT = frozenset({"ErrorItemNotFound", "ErrorFolderNotFound", "ErrorInvalidIdMalformed", "ErrorInvalidId"})
"""What the service says of a folder that is not there, or of an id that was never one."""

_SELECT = "id,displayName,parentFolderId,childFolderCount,unreadItemCount,totalItemCount,isHidden"
_SIZE = "singleValueExtendedProperties($filter=id eq 'Long 0x0E08')"  # PidTagMessageSizeExtended, in bytes


def no_top() -> GraphError:
    """For a task that needs the whole tree of a mailbox whose root is not known."""
    return GraphError(200, "NoInbox", "the mailbox has no inbox, and so no top")


async def tree_of(
    graph: Graph, names: Iterable[str] = (), *, sizes: bool = False, hidden: bool = True, walk: str = "delta"
) -> Tree:
    """The tree with the well-known folders of these names in it. The inbox, which lies in the root, tells that. See
    `folders_of`."""
    asked = [name for name in dict.fromkeys((INBOX, *names)) if name != ROOT]
    read = partial(folders_of, graph, sizes=sizes, hidden=hidden, walk=walk)
    calls: list[Coroutine[Any, Any, Any]] = [read()]
    calls += (_archive(graph, read) if name == ARCHIVE else known(graph, name) for name in asked)
    folders, *found = await graph.gather(*calls)
    by_id = {folder.id: name for name, folder in zip(asked, found, strict=True) if folder is not None}
    return Tree(folders, found[0].parent if found[0] is not None else "", by_id)


async def id_of(graph: Graph, path: str) -> str:
    """The id of the folder at a path, which begins with a well-known name or below the root. Raises GraphError."""
    names = [name.strip() for name in parted(path)]
    start, rest = split(names)
    if rest:
        found = (await tree_of(graph, (start,))).at(names)
    else:
        folder = await known(graph, start)
        found = folder and folder.id
    if found is None:
        raise GraphError(200, "NoSuchFolder", f"the mailbox has no folder {path[:100]!r}")
    return found


async def folders_of(
    graph: Graph, *, sizes: bool = False, hidden: bool = True, walk: str = "delta"
) -> Sequence[Folder]:
    """All folders, in no order. A walk by `delta` gives hidden ones in any case; one by `children` costs a request for
    each folder that may have some. Where the service refuses sizes, folders come without. Raises GraphError."""
    name = "folders" if walk == "delta" else f"folders by {walk}, {hidden}"
    sized = f"{name} with sizes"
    read = partial(_by_delta, graph) if walk == "delta" else partial(_by_children, graph, hidden=hidden)
    found: Sequence[Folder]
    if sizes or sized in graph.shared:  # those with sizes do for all
        found = await graph.shared.get(sized, partial(_with_sizes, read))
    else:
        found = await graph.shared.get(name, partial(read, sizes=False))
    return found


async def _with_sizes(read: Callable[..., Awaitable[Sequence[Folder]]]) -> Sequence[Folder]:
    """The permission that is enough for folders opens no extended properties of messages, and may open none of folders
    either: nowhere is it said (learn.microsoft.com/graph/permissions-reference)."""
    try:
        return await read(sizes=True)
    except GraphError as error:
        if error.status not in (400, 403):
            raise
    return await read(sizes=False)


async def known(graph: Graph, name: str) -> Folder | None:
    """The folder with a well-known name, or None where the mailbox does not have it."""
    found: Folder | None = await graph.shared.get(f"folder {name}", partial(_known, graph, name))
    return found


async def _archive(graph: Graph, read: Callable[[], Awaitable[Sequence[Folder]]]) -> Folder | None:
    """The folder to which Outlook archives. The settings have its id, so that it costs nothing where another part reads
    them; an id that is not among the folders is not believed."""
    if SETTINGS in graph.shared:
        named = await archive_of(graph)
        found = next((folder for folder in await read() if folder.id == named), None)
        if found is not None:
            return found
    return await known(graph, ARCHIVE)


async def _known(graph: Graph, name: str) -> Folder | None:
    try:
        return Folder.of(await graph.get(FOLDER, name, params={"$select": "id,displayName,parentFolderId"}))
    except GraphError as error:
        if error.status in (400, 404) and error.code in ABSENT:
            return None
        raise _told(error) from error


async def _by_delta(graph: Graph, *, sizes: bool) -> Sequence[Folder]:
    found: dict[str, Folder] = {}
    headers = {"Prefer": f"odata.maxpagesize={PAGE}"}
    try:
        async for item in graph.items(FOLDERS + "/delta", params=_query(sizes=sizes), headers=headers):
            if not isinstance(item, dict) or "@removed" not in item:
                folder = Folder.of(item)
                found[folder.id] = folder  # one that changes meanwhile comes again
    except GraphError as error:
        if _lacks_delta(error):
            return await _by_children(graph, sizes=sizes, hidden=True)
        raise _told(error) from error
    return [*found.values()]


def _lacks_delta(error: GraphError) -> bool:
    """Whether a cloud, or a mailbox at this moment, has no such query; the words differ."""
    return error.status in (400, 405, 410, 501) or (error.status == 404 and error.code in ABSENT)


async def _by_children(graph: Graph, *, sizes: bool, hidden: bool) -> Sequence[Folder]:
    """Level by level. The service counts no hidden children, so that where these are wanted each folder is asked."""
    params = {**_query(sizes=sizes), "$top": PAGE, **({"includeHiddenFolders": "true"} if hidden else {})}
    found: dict[str, Folder] = {}
    try:
        level = await _children(graph, "", params)
        while level := [folder for folder in level if folder.id not in found]:
            found |= {folder.id: folder for folder in level}
            parents = [one.id for one in level if (one.children or hidden) and not one.search]
            steps = (partial(_children, graph, parent, params) for parent in parents)
            level = [folder async for folders in chunked(graph, steps) for folder in folders]
    except GraphError as error:
        raise _told(error) from error
    return [*found.values()]


async def _children(graph: Graph, parent: str, params: Mapping[str, str | int]) -> list[Folder]:
    """Those right below the root, for no parent."""
    path, ids = (CHILDREN, (parent,)) if parent else (FOLDERS, ())
    try:
        return [Folder.of(item) async for item in graph.items(path, *ids, params=params)]
    except GraphError as error:
        if error.status == 404 and error.code in ABSENT:  # not there any more
            return []
        raise


def _query(*, sizes: bool) -> dict[str, str | int]:
    return {"$select": _SELECT, **({"$expand": _SIZE} if sizes else {})}


def _told(error: GraphError) -> GraphError:
    """A task may need folders beside what it is about: then most likely one permission is missing."""
    if error.status != 403 or PERMISSION in error.message:
        return error
    said = f"{error.message} (folders are read with {PERMISSION})"
    return GraphError(403, error.code, said, request_id=error.request_id, client_request_id=error.client_request_id)
