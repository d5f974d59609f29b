"""The folders of a mailbox as a tree: their paths, what they are for whatever their name, and what they hold together.
Sends nothing.

Well-known names and properties: learn.microsoft.com/graph/api/resources/mailfolder
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Self

from bulkmail.model import NOTHING
from bulkmail.tasks.kit import expect
from bulkmail.tasks.kit.keyed import EXTENDED
from bulkmail.tasks.kit.paths import escaped

INBOX, ARCHIVE, ROOT = "inbox", "archive", "msgfolderroot"
IN_TREE = (
    INBOX, "drafts", "sentitems", "deleteditems", "outbox", "junkemail", ARCHIVE, "conversationhistory", "clutter",
    "scheduled", "syncissues",
)  # fmt: skip
"""Well-known folders right below the root."""

IN_SYNC_ISSUES = ("conflicts", "localfailures", "serverfailures")
CREATABLE_IN = frozenset({ROOT, *IN_TREE})
"""Well-known folders in which people have folders of their own."""

WELL_KNOWN = (*IN_TREE, *IN_SYNC_ISSUES, ROOT, "searchfolders", "recoverableitemsdeletions")

GONE = "(no such folder)"
"""The path of a folder that is not in the tree."""

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
        return cls(
            item["id"],
            expect.text(item, "displayName"),
            expect.text(item, "parentFolderId"),
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
    by ids. What is not below the root, such as Recoverable Items, is beside it, and only what is told of by `name`."""

    def __init__(self, folders: Iterable[Folder], root: str, known: Mapping[str, str] = NOTHING) -> None:
        self.root = root
        self.known = known
        self._beside: dict[str, str] = {}
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

    def name(self, id_: str, name: str) -> None:
        """Tells of a folder beside the tree."""
        self._beside[id_] = name

    def __iter__(self) -> Iterator[str]:
        """The ids of all folders, those beside the tree last."""
        yield from self.places
        yield from self._beside

    def path(self, id_: str) -> str:
        """That of a folder by its id; a well-known name stays as it is."""
        if (place := self.places.get(id_)) is not None:
            return place.path
        return id_ if id_ in WELL_KNOWN else self._beside.get(id_, GONE)

    def below(self, id_: str) -> Iterator[str]:
        """The ids of a folder, and of all that lie in it at whatever depth."""
        waiting, seen = [id_], {id_}
        while waiting:
            yield (one := waiting.pop())
            waiting += (folder.id for folder in self.inside(one) if folder.id not in seen)
            seen.update(waiting)

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


def root_of(folders: Collection[Folder]) -> str:
    """The id of the root, if these are all that lie below it: most parents that are none of them are it."""
    ids = {folder.id for folder in folders}
    outside = Counter(folder.parent for folder in folders if folder.parent not in ids)
    return max(outside, key=outside.__getitem__, default="")


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
