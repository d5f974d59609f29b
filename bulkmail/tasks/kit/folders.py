"""The folders of a mailbox, all read at once: their tree, their paths, and what they are for whatever their name. Reads
only.

One request for each thousand folders, by a delta query that is never gone on with; parent by parent in clouds that do
not have it. What several parts of a task read of one mailbox is read once. Well-known names and properties:
learn.microsoft.com/graph/api/resources/mailfolder
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple, Self

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.tasks.kit import expect
from bulkmail.tasks.kit.collection import chunked
from bulkmail.tasks.kit.keyed import EXTENDED
from bulkmail.tasks.kit.paths import escaped, parted

PERMISSION = "Mail.ReadBasic.All"
"""The least application permission to read folders."""

FOLDERS, FOLDER, CHILDREN = "/mailFolders", "/mailFolders/{}", "/mailFolders/{}/childFolders"
INBOX, ROOT = "inbox", "msgfolderroot"
IN_TREE = (
    INBOX, "drafts", "sentitems", "deleteditems", "outbox", "junkemail", "archive", "conversationhistory", "clutter",
    "scheduled", "syncissues",
)  # fmt: skip
"""Well-known folders right below the root."""

IN_SYNC_ISSUES = ("conflicts", "localfailures", "serverfailures")
CREATABLE_IN = frozenset({ROOT, *IN_TREE})
"""Well-known folders in which people have folders of their own."""

WELL_KNOWN = (*IN_TREE, *IN_SYNC_ISSUES, ROOT, "searchfolders", "recoverableitemsdeletions")

PAGE = 1000
"""Folders of a page; the service may give fewer."""

ABSENT = frozenset({"ErrorItemNotFound", "ErrorFolderNotFound", "ErrorInvalidIdMalformed", "ErrorInvalidId"})
"""What the service says of a folder that is not there, or of an id that was never one."""

_SELECT = "id,displayName,parentFolderId,childFolderCount,unreadItemCount,totalItemCount,isHidden"
_SIZE = "singleValueExtendedProperties($filter=id eq 'Long 0x0E08')"  # PidTagMessageSizeExtended, in bytes
_SEARCH = "#microsoft.graph.mailSearchFolder"


class Folder(NamedTuple):
    """One folder as it was read. Counts and `size`, in bytes, are None where the service does not tell them. A `search`
    folder shows what lies in others."""

    id: str
    name: str
    parent: str
    children: int = 0  # as the service counts them: without hidden ones
    items: int | None = None
    unread: int | None = None
    size: int | None = None
    hidden: bool = False
    search: bool = False

    @classmethod
    def of(cls, body: Any) -> Self:
        item = expect.an_item(body, "a folder")
        name, parent = item.get("displayName"), item.get("parentFolderId")
        return cls(
            item["id"],
            name if isinstance(name, str) else "",
            parent if isinstance(parent, str) else "",
            _count(item, "childFolderCount") or 0,
            _count(item, "totalItemCount"),
            _count(item, "unreadItemCount"),
            _size(item),
            item.get("isHidden") is True,
            item.get("@odata.type") == _SEARCH,
        )


class Place(NamedTuple):
    """A folder of a tree with its path from the root."""

    folder: Folder
    path: str


class Sums(NamedTuple):
    """What folders hold together, search folders left out. A sum of which a part is not known is None."""

    folders: int
    items: int | None
    unread: int | None
    size: int | None


def sums(folders: Iterable[Folder]) -> Sums:
    real = [folder for folder in folders if not folder.search]
    counts = ([getattr(folder, name) for folder in real] for name in ("items", "unread", "size"))
    return Sums(len(real), *(None if None in values else sum(values) for values in counts))


class Tree:
    """The folders below a root, which is empty if it is not known: then there are none. `known` gives well-known names
    by ids. What is not below the root, such as Recoverable Items, is not in it."""

    def __init__(self, folders: Iterable[Folder], root: str, known: Mapping[str, str]) -> None:
        self.root = root
        self.known = known
        self._below: defaultdict[str, list[Folder]] = defaultdict(list)
        for folder in folders if root else ():
            self._below[folder.parent].append(folder)

    def walk(self, *, hidden: bool = True) -> Iterator[Place]:
        """Each folder before those in it, and side by side in the order of their names. Without `hidden` ones, what
        lies in these is left out as well."""
        stack = [Place(one, escaped(one.name)) for one in self._ordered(self.root)]
        while stack:
            folder, path = place = stack.pop()
            if hidden or not folder.hidden:
                yield place
                stack += (Place(one, f"{path}/{escaped(one.name)}") for one in self._ordered(folder.id))

    def _ordered(self, parent: str) -> list[Folder]:
        """The last one first, for a stack."""
        return sorted(self.inside(parent), key=lambda one: (one.name.casefold(), one.id), reverse=True)

    @cached_property
    def places(self) -> Mapping[str, Place]:
        """Each folder by its id."""
        return {place.folder.id: place for place in self.walk()}

    def inside(self, parent: str) -> Sequence[Folder]:
        """Those right in a folder."""
        return self._below.get(parent, ())

    def within(self, folder: Folder, start: str) -> bool:
        """Whether a folder of the tree lies in the well-known one, at whatever depth."""
        while (around := self.places.get(folder.parent)) is not None:
            folder = around.folder
            if self.known.get(folder.id) == start:
                return True
        return False

    def child(self, parent: str, name: str) -> Folder | None:
        """The folder of this name in another one: the service tells no names apart by their case."""
        wanted = name.casefold()
        return next((one for one in self.inside(parent) if one.name.casefold() == wanted), None)

    def at(self, names: Sequence[str]) -> str | None:
        """The id of the folder at a path, which begins with a well-known name or below the root; None if there is
        none."""
        start, rest = split(names)
        found = self.root if start == ROOT else next((one for one, name in self.known.items() if name == start), None)
        for name in rest:
            folder = self.child(found, name) if found else None
            found = folder.id if folder else None
        return found


def split(names: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The well-known folder that a path begins at, and the names below it."""
    first = names[0].casefold() if names else ROOT
    return (first, names[1:]) if first in WELL_KNOWN else (ROOT, names)


def no_top() -> GraphError:
    """For a task that needs the whole tree of a mailbox whose root is not known."""
    return GraphError(200, "NoInbox", "the mailbox has no inbox, and so no top")


async def tree_of(
    graph: Graph, names: Iterable[str] = (), *, sizes: bool = False, hidden: bool = True, walk: str = "delta"
) -> Tree:
    """The tree with the well-known folders of these names in it. The inbox, which lies in the root, tells that. See
    `folders_of`."""
    asked = [name for name in dict.fromkeys((INBOX, *names)) if name != ROOT]
    read: list[Coroutine[Any, Any, Any]] = [folders_of(graph, sizes=sizes, hidden=hidden, walk=walk)]
    folders, *found = await graph.gather(*read, *(known(graph, name) for name in asked))
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


def _count(item: Mapping[str, Any], name: str) -> int | None:
    value = item.get(name)
    return value if type(value) is int else None


def _size(item: Mapping[str, Any]) -> int | None:
    marks = item.get(EXTENDED)
    for mark in marks if isinstance(marks, list) else ():
        if isinstance(mark, dict) and str(mark.get("id")).casefold().replace("0x0e", "0xe") == "long 0xe08":
            text = str(mark.get("value"))
            return int(text) if text.isdecimal() and len(text) < 20 else None
    return None
