"""Lists of messages: by folder or all, filtered and ordered as the service permits, searched, and paged by `$skip`.

The pages of one walk are cut out of what is there when each is asked for, so they shift when messages come and go.
What was chosen of a long list is kept while nothing changes, or a walk over it would take its square.
"""

from collections import OrderedDict
from collections.abc import Sequence

from bulkmail.sim.families.folders.content import DIGEST, RECOVERABLE
from bulkmail.sim.families.folders.routes import folder_of
from bulkmail.sim.families.messages.kind import MESSAGE, READ
from bulkmail.sim.families.messages.restrictions import check
from bulkmail.sim.families.messages.shown import NOT_BASIC, shown
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request
from bulkmail.sim.graph.items import chosen, immutable, part, whole
from bulkmail.sim.graph.odata import parse_filter
from bulkmail.sim.tenant.store import Item, Store
from bulkmail.sim.witness.marks import EXTENDED
from bulkmail.sim.world import World

SEARCHED = 1000  # hits that $search gives at most
LONG, KEPT = 200, 8  # messages of a list that is worth keeping, and how many lists are kept
EVERYWHERE = -1
COMPUTED = frozenset({"id", "parentfolderid", "changekey", EXTENDED.lower(), *map(str.lower, NOT_BASIC)})
"""Properties that a message has not in itself, or not for all readers."""


def all_messages(world: World, call: Call) -> Answer:
    return _listing(world, call, EVERYWHERE, "messages")


def in_folder(world: World, call: Call) -> Answer:
    folder = folder_of(world, call, call.keys[1])
    return _listing(world, call, folder.number, f"mailFolders('{call.keys[1]}')/messages")


def _listing(world: World, call: Call, folder: int, path: str) -> Answer:
    """Newest first unless ordered otherwise."""
    check(call)
    store, fixed = MESSAGE.of(world.mailboxes.read(call.user)), immutable(call)

    def row(item: Item) -> Json:
        return shown(whole(MESSAGE, store, item, immutable=fixed), call)

    names = ("$filter", "$orderby", "$search")
    key = (call.user, folder, len(store.history), fixed, *(call.options.get(name) for name in names))
    kept: OrderedDict[object, Sequence[Item]] = world.kept.setdefault("lists of messages", OrderedDict())
    found = kept.get(key)
    if found is None:
        found = chosen(call, _here(call, store, folder), row if _looks_at(call) & COMPUTED else _props)
        if len(found) > LONG and not any(item.due for item in store):
            kept[key] = found
            if len(kept) > KEPT:
                kept.popitem(last=False)
    return part(world, call, MESSAGE, found, path, row)


def _looks_at(call: Call) -> set[str]:
    """The properties that decide what is listed, and in which order, in lower case."""
    fields = parse_filter(call.options["$filter"]).fields if call.options.get("$filter") else ()
    ordered = (clause.split()[0] for clause in call.options.get("$orderby", "").split(",") if clause.strip())
    return {name.partition("/")[0].lower() for name in (*fields, *ordered)}


def _props(item: Item) -> Json:
    return item.props


def _here(call: Call, store: Store, folder: int) -> list[Item]:
    """What is in a folder; all but what was deleted for good; or what a search folder looks for."""
    here = [item for item in store if item.due <= call.now and _lies(item, folder)]
    if "$search" in call.options:
        here = _search(call, here)
    if "$orderby" not in call.options:
        here.sort(key=lambda item: str(item.props["receivedDateTime"]), reverse=True)
    return here


def _lies(item: Item, folder: int) -> bool:
    if folder in (EVERYWHERE, DIGEST) and item.parent == RECOVERABLE:
        return False
    if folder == DIGEST:
        return "newsletter" in str(item.props["subject"]).lower()
    return folder in (EVERYWHERE, item.parent)


def _search(call: Call, items: list[Item]) -> list[Item]:
    """A little of KQL: words, and `subject:`, `from:`, `body:` before one."""
    if "$filter" in call.options or "$orderby" in call.options:
        raise bad_request(
            "The query parameter '$search' cannot be combined with $filter or $orderby.", "SearchWithFilter"
        )
    if not call.grant.roles & READ:
        raise Refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    text = call.options["$search"].strip('"').lower()
    scope, colon, word = text.partition(":")
    fields = {"subject": ("subject",), "from": ("from",), "body": ("body",)}.get(scope if colon else "", ())
    names = fields or ("subject", "from", "bodyPreview")
    wanted = word if fields else text
    return [item for item in items if any(wanted in str(item.props[name]).lower() for name in names)][:SEARCHED]
