"""Delta queries: everything at first, by pages, then what changed. The tokens hold a place in the history.

The service promises neither that a page holds anything nor that a change comes once: where a kind is `fickle`, changes
begin with an empty page in one mailbox of four, and each further page repeats the last item of the one before.
"""

from collections.abc import Callable

from bulkmail.sim.graph.call import Answer, Call, Json, Refusal
from bulkmail.sim.graph.items import immutable, preferred, shape, whole
from bulkmail.sim.graph.kind import Kind
from bulkmail.sim.graph.odata import page_size, read_token, write_token
from bulkmail.sim.tenant.ids import item_id
from bulkmail.sim.tenant.store import Item, Store
from bulkmail.sim.world import World

EMPTY = -1
"""The offset of the page that comes before the first change."""

FORGOTTEN = ((410, "SyncStateNotFound"), (410, "resyncRequired"), (400, "syncStateNotFound"))
"""What the service says of a token that it has forgotten, by the number of the mailbox: the words differ."""


def delta(
    world: World,
    call: Call,
    kind: Kind,
    parent: int | None,
    holds: Callable[[Item], bool] = lambda _: True,
    row: Callable[[Item], Json] | None = None,
    *,
    fickle: bool = False,
) -> Answer:
    """One page. `parent` None follows the whole kind; `row` makes more of an item than its properties."""
    store = kind.of(world.mailboxes.read(call.user))
    make = row or (lambda item: whole(kind, store, item, immutable=immutable(call)))

    def shown(item: Item) -> Json:
        return shape({"@odata.type": kind.type} | make(item), call)

    label = f"{kind.name}{call.user}.{parent}.{world.epoch}.{world.forgotten[call.user]}"
    size = preferred(call, page_size(call.options, kind.page, kind.most))
    start, place = 0, len(store.history)
    if call.options.get("$deltatoken"):
        (since,) = _place(call, "$deltatoken", label)
        offset = EMPTY if fickle and call.user % 4 == 1 and since < place else 0
        return _changes(call, kind, store, parent, shown, label, (since, place, offset), size)
    if "$skiptoken" in call.options:
        places = _place(call, "$skiptoken", label)
        if len(places) == len(("since", "until", "offset")):
            since, until, offset = places
            return _changes(call, kind, store, parent, shown, label, (since, until, offset - fickle), size)
        start, place = places
    items = [item for item in store if item.number > start and parent in {None, item.parent} and holds(item)]
    rows = [shown(item) for item in items[:size]]
    if len(items) > size:
        return _delta_answer(call, rows, {"$skiptoken": write_token(label, items[size - 1].number, place)})
    return _delta_answer(call, rows, {"$deltatoken": write_token(label, place)})


def _changes(
    call: Call, kind: Kind, store: Store, parent: int | None, shown: Callable[[Item], Json], label: str,
    places: tuple[int, int, int], size: int,
) -> Answer:  # fmt: skip
    """A page of what changed between two places in the history, as it is now."""
    since, until, offset = places
    if offset == EMPTY:
        return _delta_answer(call, [], {"$skiptoken": write_token(label, since, until, 1)})
    changed = list(store.changed_since(since, parent, until).items())
    page, end = changed[offset : offset + size], offset + size
    rows = [shown(item) if item else _gone(kind, store, call, number) for number, item in page]
    if end < len(changed):
        return _delta_answer(call, rows, {"$skiptoken": write_token(label, since, until, end)})
    return _delta_answer(call, rows, {"$deltatoken": write_token(label, until)})


def _place(call: Call, name: str, label: str) -> tuple[int, ...]:
    place = read_token(call.options[name], label)
    if place is None:
        text = "The sync state generation is not found; continuation request with $deltatoken is not supported."
        status, code = FORGOTTEN[call.user % len(FORGOTTEN)]
        raise Refusal(status, code, text, {"Location": call.link({"$deltatoken": ""})})
    return place


def _gone(kind: Kind, store: Store, call: Call, number: int) -> Json:
    moved = store.items.get(number)
    moves = max(0, moved.moves - 1) if moved else 0
    gone = item_id(store.mailbox, store.ids, number, moves, immutable=immutable(call))
    return {"@odata.type": kind.type, "id": gone, "@removed": {"reason": "deleted"}}


def _delta_answer(call: Call, rows: list[Json], token: dict[str, str]) -> Answer:
    name = "@odata.nextLink" if "$skiptoken" in token else "@odata.deltaLink"
    kept = {key: value for key, value in call.options.items() if key not in {"$skiptoken", "$deltatoken"}}
    body = {"@odata.context": f"{call.base}/$metadata#Collection({call.segments[-2]})", name: call.link(kept | token)}
    return Answer(body=body | {"value": rows})
