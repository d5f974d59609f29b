"""Contacts and contact folders, with extended properties to find one's own by."""

from bulkmail.sim.families.contacts.content import CONTACTS, blank_contact
from bulkmail.sim.families.contacts.kind import CONTACT, FOLDER, READ, WRITE
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request, item_not_found
from bulkmail.sim.graph.delta import delta
from bulkmail.sim.graph.items import (
    create,
    delete,
    find,
    known,
    listing,
    merge_extended,
    one,
    patch,
    stamp,
)
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.witness.marks import EXTENDED
from bulkmail.sim.world import World

PROPERTIES = blank_contact("") | {EXTENDED: []}
ADDRESSES = 3  # that a contact can hold
PHONES = 2  # of each of two kinds


def _folder(world: World, call: Call) -> Item:
    """The folder that the path names, or the default one; `contacts` is its well-known name."""
    default = FOLDER.of(world.mailboxes.read(call.user)).items[CONTACTS]
    if "/contactFolders/" not in call.pattern or call.keys[1].lower() == "contacts":
        return default
    return find(world, call, FOLDER, call.keys[1])


def contact_of(world: World, call: Call, key: int = -1) -> Item:
    """The contact that the path names; below a folder's path it must be in that folder."""
    item = find(world, call, CONTACT, call.keys[key])
    if "/contactFolders/" in call.pattern and item.parent != _folder(world, call).number:
        raise item_not_found()
    return item


def contacts(world: World, call: Call) -> Answer:
    folder = _folder(world, call).number
    items = [item for item in CONTACT.of(world.mailboxes.read(call.user)) if item.parent == folder]
    return listing(world, call, CONTACT, items)


def read(world: World, call: Call) -> Answer:
    return one(world, call, CONTACT, contact_of(world, call))


def add(world: World, call: Call) -> Answer:
    props = blank_contact(stamp()) | _checked(call.json())
    if not props["displayName"]:
        names = (props["givenName"], props["surname"])
        props["displayName"] = " ".join(name for name in names if name) or None
    return create(world, call, CONTACT, props, _folder(world, call).number)


def change(world: World, call: Call) -> Answer:
    item = contact_of(world, call)
    props = merge_extended(item.props, _checked(call.json())) | {"lastModifiedDateTime": stamp()}
    return patch(world, call, CONTACT, item, props)


def remove(world: World, call: Call) -> Answer:
    return delete(world, call, CONTACT, contact_of(world, call))


def changes(world: World, call: Call) -> Answer:
    return delta(world, call, CONTACT, _folder(world, call).number)


def _checked(body: Json) -> Json:
    props = known(body, PROPERTIES, "microsoft.graph.contact")
    if len(props.get("emailAddresses", ())) > ADDRESSES:
        raise bad_request("A contact holds three addresses at most.", "ErrorInvalidRequest")
    for name in ("businessPhones", "homePhones"):
        if len(props.get(name, ())) > PHONES:
            raise bad_request(f"A contact holds two {name} at most.", "ErrorInvalidRequest")
    return props


def folders(world: World, call: Call) -> Answer:
    """Those below the default folder, which itself is not among them."""
    parent = _folder(world, call).number
    items = [item for item in FOLDER.of(world.mailboxes.read(call.user)) if item.parent == parent]
    return listing(world, call, FOLDER, items)


def read_folder(world: World, call: Call) -> Answer:
    return one(world, call, FOLDER, _folder(world, call))


def add_folder(world: World, call: Call) -> Answer:
    parent = _folder(world, call).number
    props = _named(call)
    siblings = [item for item in FOLDER.of(world.mailboxes.read(call.user)) if item.parent == parent]
    if any(str(item.props["displayName"]).lower() == props["displayName"].lower() for item in siblings):
        raise Refusal(409, "ErrorFolderExists", "A folder with the specified name already exists.")
    return create(world, call, FOLDER, props, parent)


def _named(call: Call) -> Json:
    props = _folder_properties(call)
    if not props.get("displayName"):
        raise bad_request("A folder needs a displayName.", "ErrorInvalidRequest")
    return props


def _folder_properties(call: Call) -> Json:
    return known(call.json(), {"displayName": "", EXTENDED: []}, "microsoft.graph.contactFolder")


def change_folder(world: World, call: Call) -> Answer:
    folder = _own(world, call)
    return patch(world, call, FOLDER, folder, merge_extended(folder.props, _folder_properties(call)))


def remove_folder(world: World, call: Call) -> Answer:
    """With all contacts in it."""
    folder = _own(world, call)
    store = CONTACT.of(world.mailboxes.write(call.user))
    for item in [item for item in store if item.parent == folder.number]:
        store.remove(item)
    return delete(world, call, FOLDER, folder)


def _own(world: World, call: Call) -> Item:
    folder = _folder(world, call)
    if folder.number == CONTACTS:
        raise bad_request("Distinguished folders cannot be changed.", "ErrorDeleteDistinguishedFolder")
    return folder


def folder_changes(world: World, call: Call) -> Answer:
    return delta(world, call, FOLDER, None, lambda folder: folder.number != CONTACTS)


ROOT, BELOW = "/users/{}/contacts", "/users/{}/contactFolders/{}/contacts"
FOLDERS = "/users/{}/contactFolders"
ROUTES = (
    Route("GET", FOLDERS, folders, READ),
    Route("POST", FOLDERS, add_folder, WRITE),
    Route("GET", FOLDERS + "/delta", folder_changes, READ),
    Route("GET", FOLDERS + "/{}", read_folder, READ),
    Route("PATCH", FOLDERS + "/{}", change_folder, WRITE),
    Route("DELETE", FOLDERS + "/{}", remove_folder, WRITE),
    Route("POST", FOLDERS + "/{}/permanentDelete", remove_folder, WRITE),
    Route("GET", FOLDERS + "/{}/childFolders", folders, READ),
    Route("POST", FOLDERS + "/{}/childFolders", add_folder, WRITE),
    *(
        Route(method, path + end, work, rights)
        for path in (ROOT, BELOW)
        for method, end, work, rights in (
            ("GET", "", contacts, READ),
            ("POST", "", add, WRITE),
            ("GET", "/delta", changes, READ),
            ("GET", "/{}", read, READ),
            ("PATCH", "/{}", change, WRITE),
            ("DELETE", "/{}", remove, WRITE),
            ("POST", "/{}/permanentDelete", remove, WRITE),
        )
    ),
)
WAYS = {"/users/{}/contactFolders/{}/childFolders/{}": "/users/{}/contactFolders/{}"}
