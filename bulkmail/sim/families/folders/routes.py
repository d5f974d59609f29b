"""Mail folders: under the root, under each other, by well-known name, with counts and, on request, sizes."""

from collections import Counter
from collections.abc import Iterator

from bulkmail.sim.families import kinds
from bulkmail.sim.families.folders.content import DELETED, NUMBERS, RECOVERABLE, ROOT, WELL_KNOWN
from bulkmail.sim.families.folders.kind import FOLDER, READ, WRITE
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request, item_not_found
from bulkmail.sim.graph.delta import delta
from bulkmail.sim.graph.items import context, find, known, page, shape, size_properties, whole
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World

LONGEST = 255  # characters of a name


def folder_of(world: World, call: Call, text: str) -> Item:
    """The folder with this id or well-known name."""
    number = NUMBERS.get(text.lower())
    if number is None:
        return find(world, call, FOLDER, text)
    return FOLDER.of(world.mailboxes.read(call.user)).items[number]


def inside(mailbox: Mailbox) -> Iterator[Item]:
    """Everything that lies in some folder, of whatever kind: a kind tells by its `parents` that folders hold it."""
    for kind in kinds().values():
        if kind.parents == FOLDER.ids and kind is not FOLDER:
            yield from kind.of(mailbox)


class Census:
    """What is in the folders of a mailbox, counted once for an answer."""

    def __init__(self, mailbox: Mailbox, now: float) -> None:
        self.store = FOLDER.of(mailbox)
        self.children = Counter(folder.parent for folder in self.store if not folder.props["isHidden"])
        self.total: Counter[int] = Counter()
        self.unread: Counter[int] = Counter()
        self.bytes: Counter[int] = Counter()
        for item in inside(mailbox):
            if item.due <= now:
                self.total[item.parent] += 1
                self.unread[item.parent] += not item.props["isRead"]
                self.bytes[item.parent] += item.props.get("bytes", 0)

    def row(self, folder: Item) -> Json:
        number = folder.number
        counts = {
            "childFolderCount": self.children[number],
            "unreadItemCount": self.unread[number],
            "totalItemCount": self.total[number],
        }
        return size_properties(whole(FOLDER, self.store, folder) | counts, self.bytes[number], "Long")


def _children(world: World, call: Call, parent: int) -> Iterator[Item]:
    hidden = call.options.get("includeHiddenFolders", "").lower() == "true"
    for folder in FOLDER.of(world.mailboxes.read(call.user)):
        if folder.parent == parent and (hidden or not folder.props["isHidden"]):
            yield folder


def _page(world: World, call: Call, parent: int, path: str) -> Answer:
    census = Census(world.mailboxes.read(call.user), call.now)
    return page(world, call, FOLDER, [census.row(folder) for folder in _children(world, call, parent)], path)


def top(world: World, call: Call) -> Answer:
    return _page(world, call, ROOT, "mailFolders")


def children(world: World, call: Call) -> Answer:
    parent = folder_of(world, call, call.keys[1])
    return _page(world, call, parent.number, f"mailFolders('{call.keys[1]}')/childFolders")


def _one(world: World, call: Call, folder: Item, status: int = 200) -> Answer:
    row = Census(world.mailboxes.read(call.user), call.now).row(folder)
    return Answer(status, context(world, call, "mailFolders", one=True) | shape(row, call))


def read(world: World, call: Call) -> Answer:
    return _one(world, call, folder_of(world, call, call.keys[1]))


def add(world: World, call: Call) -> Answer:
    parent = folder_of(world, call, call.keys[1]).number if len(call.keys) > 1 else ROOT
    props = known(call.json(), {"displayName": "", "isHidden": True}, "microsoft.graph.mailFolder")
    name = _checked(props.get("displayName"))
    _check_free(world, call, name, parent)
    store = FOLDER.of(world.mailboxes.write(call.user))
    return _one(world, call, store.add({"isHidden": False, **props}, parent), 201)


def _checked(name: object) -> str:
    if not isinstance(name, str) or not name or len(name) > LONGEST:
        raise bad_request("A folder needs a displayName.", "ErrorInvalidRequest")
    return name


def _check_free(world: World, call: Call, name: str, parent: int, mine: Item | None = None) -> None:
    """No two folders in one place have one name, whatever its case."""
    store = FOLDER.of(world.mailboxes.read(call.user))
    siblings = [item for item in store if item.parent == parent and item is not mine]
    if any(str(item.props["displayName"]).lower() == name.lower() for item in siblings):
        text = f"A folder with the specified name already exists., Could not create folder '{name[:60]}'."
        raise Refusal(409, "ErrorFolderExists", text)


def _own(world: World, call: Call) -> Item:
    folder = folder_of(world, call, call.keys[1])
    if folder.number in WELL_KNOWN:
        raise bad_request("Distinguished folders cannot be changed.", "ErrorDeleteDistinguishedFolder")
    return folder


def change(world: World, call: Call) -> Answer:
    folder = _own(world, call)
    props = known(call.json(), {"displayName": ""}, "microsoft.graph.mailFolder")
    if "displayName" in props:
        _check_free(world, call, _checked(props["displayName"]), folder.parent, folder)
    FOLDER.of(world.mailboxes.write(call.user)).change(folder, props)
    return _one(world, call, folder)


def remove(world: World, call: Call) -> Answer:
    """Into Deleted Items; out of the mailbox if it is there already."""
    folder = _own(world, call)
    store = FOLDER.of(world.mailboxes.write(call.user))
    store.move(folder, RECOVERABLE if folder.parent == DELETED else DELETED)
    return Answer(204)


def purge(world: World, call: Call) -> Answer:
    FOLDER.of(world.mailboxes.write(call.user)).remove(_own(world, call))
    return Answer(204)


def move(world: World, call: Call) -> Answer:
    folder = _own(world, call)
    target = destination(world, call)
    _check_free(world, call, folder.props["displayName"], target.number, folder)
    FOLDER.of(world.mailboxes.write(call.user)).move(folder, target.number)
    return _one(world, call, folder, 201)


def copy(world: World, call: Call) -> Answer:
    """With everything in it, and the folders below it."""
    folder, target = folder_of(world, call, call.keys[1]), destination(world, call)
    _check_free(world, call, folder.props["displayName"], target.number)
    return _one(world, call, _copied(world.mailboxes.write(call.user), folder, target.number), 201)


def _copied(mailbox: Mailbox, folder: Item, parent: int) -> Item:
    store = FOLDER.of(mailbox)
    below = [child for child in store if child.parent == folder.number]
    made = store.add(dict(folder.props), parent)
    for kind in kinds().values():
        if kind.parents == FOLDER.ids and kind is not FOLDER:
            for item in [item for item in kind.of(mailbox) if item.parent == folder.number]:
                kind.of(mailbox).add(dict(item.props), made.number)
    for child in below:
        _copied(mailbox, child, made.number)
    return made


def destination(world: World, call: Call) -> Item:
    text = call.parameters().get("destinationid")
    if not isinstance(text, str) or not text:
        raise bad_request("The destinationId is missing.", "ErrorInvalidRequest")
    try:
        return folder_of(world, call, text)
    except Refusal:
        raise item_not_found() from None


def changes(world: World, call: Call) -> Answer:
    census = Census(world.mailboxes.read(call.user), call.now)
    return delta(world, call, FOLDER, None, lambda folder: folder.parent != 0, census.row)


PATH = "/users/{}/mailFolders"
ROUTES = (
    Route("GET", PATH, top, READ),
    Route("POST", PATH, add, WRITE),
    Route("GET", PATH + "/delta", changes, READ),
    Route("GET", PATH + "/{}", read, READ),
    Route("PATCH", PATH + "/{}", change, WRITE),
    Route("DELETE", PATH + "/{}", remove, WRITE),
    Route("POST", PATH + "/{}/move", move, WRITE),
    Route("POST", PATH + "/{}/copy", copy, WRITE),
    Route("POST", PATH + "/{}/permanentDelete", purge, WRITE),
    Route("GET", PATH + "/{}/childFolders", children, READ),
    Route("POST", PATH + "/{}/childFolders", add, WRITE),
)
WAYS = {"/users/{}/mailFolders/{}/childFolders/{}": "/users/{}/mailFolders/{}"}
