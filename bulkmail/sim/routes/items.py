"""What all resources inside a mailbox have in common: how an item is shown, listed, found, changed, followed by delta.

A resource is a `Kind`, a row of facts; its own file adds what is special about it.
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bulkmail.sim.call import Answer, Call, Json, Refusal, bad_request, item_not_found
from bulkmail.sim.ids import item_id
from bulkmail.sim.mailbox import Mailbox
from bulkmail.sim.marks import EXTENDED, key_of
from bulkmail.sim.odata import (
    is_property_id,
    order,
    page_size,
    parse_filter,
    property_key,
    read_token,
    select,
    whole_number,
    write_token,
)
from bulkmail.sim.shelf import Item, Shelf
from bulkmail.sim.world import World

UNSHOWN = frozenset({EXTENDED, "bytes"})
ON_REQUEST = frozenset({"internetMessageHeaders"})  # shown only where $select names it


@dataclass(frozen=True, slots=True)
class Kind:
    """`shelf` is the mailbox's attribute; `parents` is the kind of the ids of `parentFolderId`, 0 without one.

    `page` and `most` are the default and the largest page. `versioned` items have an etag and a changeKey.
    """

    shelf: str
    path: str
    type: str
    parents: int = 0
    page: int = 10
    most: int = 1000
    versioned: bool = True

    def of(self, mailbox: Mailbox) -> Shelf:
        shelf: Shelf = getattr(mailbox, self.shelf)
        return shelf


def stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def context(world: World, call: Call, path: str, *, one: bool = False) -> Json:
    chosen = call.options.get("$select")
    suffix = "/$entity" if one else f"({chosen})" if chosen else ""
    return {"@odata.context": f"{call.base}/$metadata#users('{world.tenant.guid(call.user)}')/{path}{suffix}"}


def change_key(item: Item) -> str:
    return base64.b64encode(f"CQAAABYAAA{item.number:05x}{item.version:05x}{item.moves:04x}".encode()).decode()


def whole(kind: Kind, shelf: Shelf, item: Item, *, immutable: bool = False) -> Json:
    """An item with everything there is, before the query options had their say."""
    shown: Json = {"id": shelf.id_of(item, immutable=immutable)} if shelf.kind else {}
    if kind.versioned:
        key = change_key(item)
        shown |= {"@odata.etag": f'W/"{key}"', "changeKey": key}
    if kind.parents:
        shown["parentFolderId"] = item_id(shelf.mailbox, kind.parents, item.parent)
    return shown | item.props


def shape(item: Json, call: Call) -> Json:
    """The item as it goes out: chosen properties, and extended ones only where they were expanded."""
    hidden = UNSHOWN if "$select" in call.options else UNSHOWN | ON_REQUEST
    shown = select({name: value for name, value in item.items() if name not in hidden}, call.options)
    expand = call.options.get("$expand", "")
    if expand.lower().startswith(EXTENDED.lower()):
        found = parse_filter(expand.partition("$filter=")[2].rpartition(")")[0]) if "$filter=" in expand else None
        kept = [prop for prop in item.get(EXTENDED, []) if found is None or found.test(prop)]
        if kept:
            shown[EXTENDED] = kept
    return shown


def immutable(call: Call) -> bool:
    return "prefer" in call.headers and call.prefers("IdType").lower() == "immutableid"


def size_properties(item: Json, number: int, kind: str) -> Json:
    """The item with its size in bytes as the extended property PidTagMessageSize, as `$expand` may ask for it."""
    return {**item, EXTENDED: [*item.get(EXTENDED, []), {"id": f"{kind} 0xe08", "value": str(number)}]}


def page(world: World, call: Call, kind: Kind, rows: list[Json], path: str = "") -> Answer:
    """A page of a listing by $filter, $orderby, $top and $skip; the next one by an absolute link."""
    text = call.options.get("$filter")
    if text:
        found = parse_filter(text)
        rows = [row for row in rows if found.test(row)]
    rows = order(rows, call.options)
    start = whole_number(call.options, "$skip", 0)
    size = page_size(call.options, _preferred(call, kind.page), kind.most)
    body = context(world, call, path or kind.path)
    if call.options.get("$count", "").lower() == "true":
        body["@odata.count"] = len(rows)
    if start + size < len(rows):
        body["@odata.nextLink"] = call.link({**call.options, "$skip": str(start + size)})
    return Answer(body=body | {"value": [shape(row, call) for row in rows[start : start + size]]})


def _preferred(call: Call, default: int) -> int:
    text = call.prefers("odata.maxpagesize") if "prefer" in call.headers else ""
    return int(text) if text.isdigit() else default


def listing(world: World, call: Call, kind: Kind, items: Iterable[Item], path: str = "") -> Answer:
    shelf, fixed = kind.of(world.mailboxes.read(call.user)), immutable(call)
    return page(world, call, kind, [whole(kind, shelf, item, immutable=fixed) for item in items], path)


def find(world: World, call: Call, kind: Kind, text: str) -> Item:
    """The item with this id, or Refusal; ids of things not yet arrived are unknown."""
    shelf = kind.of(world.mailboxes.read(call.user))
    item = shelf.find(text) if shelf.kind else shelf.first(lambda item: item.props["id"] == text)
    if item is None or item.due > call.now:
        raise item_not_found()
    return item


def one(world: World, call: Call, kind: Kind, item: Item, status: int = 200) -> Answer:
    shelf = kind.of(world.mailboxes.read(call.user))
    body = shape(whole(kind, shelf, item, immutable=immutable(call)), call)
    return Answer(status, context(world, call, kind.path, one=True) | body)


def check_match(call: Call, item: Item) -> None:
    """If-Match must name the item as it is now."""
    wanted = call.headers.get("if-match")
    if wanted and wanted != "*" and wanted.strip() != f'W/"{change_key(item)}"':
        text = "The send or update operation could not be performed because the change key passed is out of date."
        raise Refusal(412, "ErrorIrresolvableConflict", text)


def known(props: Json, examples: Mapping[str, Any], name: str) -> Json:
    """The body's own properties. Refused if this resource does not have one, or if a value is not like its example."""
    mine = {key: value for key, value in props.items() if "@" not in key}
    strange = set(mine) - set(examples)
    if strange:
        text = (
            f"The property '{min(strange)[:60]}' does not exist on type '{name}'. Make sure to only use property names"
        )
        raise bad_request(f"{text} that are defined by the type.", "RequestBodyRead")
    for key, value in mine.items():
        if not _fits(value, examples[key]):
            raise bad_request(f"The property '{key}' has a value that cannot be read.", "RequestBodyRead")
    _check_extended(mine.get(EXTENDED, []))
    return deepcopy(mine)


def _fits(value: Any, example: Any) -> bool:
    """None stands for text or null, an empty object for any or null, a list for a list of objects or texts."""
    if value is None:
        return example is None or example == {} or isinstance(example, str)
    if isinstance(example, list):
        return isinstance(value, list) and all(isinstance(part, dict | str) for part in value)
    return isinstance(value, str if example is None else type(example))


def _check_extended(marks: list[Any]) -> None:
    for mark in marks:
        if not isinstance(mark, dict) or not isinstance(mark.get("id"), str) or not isinstance(mark.get("value"), str):
            raise bad_request("An extended property needs an id and a value.", "ErrorInvalidProperty")
        if not is_property_id(mark["id"]):
            text = "An id is 'Type {guid} Name name', 'Type {guid} Id 0x8000' or 'Type 0x3000'."
            raise bad_request(text, "ErrorInvalidProperty")


def create(world: World, call: Call, kind: Kind, props: Json, parent: int) -> Answer:
    item = kind.of(world.mailboxes.write(call.user)).add(props, parent)
    call.key = key_of(props)
    return one(world, call, kind, item, 201)


def patch(world: World, call: Call, kind: Kind, item: Item, props: Json) -> Answer:
    check_match(call, item)
    kind.of(world.mailboxes.write(call.user)).change(item, props)
    call.key = key_of(item.props)
    return one(world, call, kind, item)


def delete(world: World, call: Call, kind: Kind, item: Item) -> Answer:
    check_match(call, item)
    kind.of(world.mailboxes.write(call.user)).remove(item)
    call.key = key_of(item.props)
    return Answer(204)


def merge_extended(before: Json, after: Json) -> Json:
    """Extended properties are set one by one: what is not named stays."""
    if EXTENDED not in after:
        return after
    merged = {property_key(prop["id"]): prop for prop in [*before.get(EXTENDED, []), *after[EXTENDED]]}
    return after | {EXTENDED: list(merged.values())}


def delta(
    world: World, call: Call, kind: Kind, parent: int | None, holds: Callable[[Item], bool] = lambda _: True
) -> Answer:
    """Everything at first, by pages; then what changed since a deltaLink. The tokens hold a place in the history."""
    shelf = kind.of(world.mailboxes.read(call.user))
    label = f"{kind.shelf}{call.user}.{parent}.{world.epoch}"
    size = _preferred(call, page_size(call.options, kind.page, kind.most))
    if call.options.get("$deltatoken"):
        place = _place(call, "$deltatoken", label)[0]
        rows = [_change(kind, shelf, call, n, item) for n, item in shelf.changed_since(place, parent).items()]
        return _delta_answer(call, rows, {"$deltatoken": write_token(label, len(shelf.history))})
    start, place = _place(call, "$skiptoken", label) if "$skiptoken" in call.options else (0, len(shelf.history))
    items = [item for item in shelf if item.number > start and parent in {None, item.parent} and holds(item)]
    rows = [shape(_typed(kind, shelf, call, item), call) for item in items[:size]]
    if len(items) > size:
        return _delta_answer(call, rows, {"$skiptoken": write_token(label, items[size - 1].number, place)})
    return _delta_answer(call, rows, {"$deltatoken": write_token(label, place)})


def _place(call: Call, name: str, label: str) -> tuple[int, ...]:
    place = read_token(call.options[name], label)
    if place is None:
        text = "The sync state generation is not found; continuation request with $deltatoken is not supported."
        raise Refusal(410, "SyncStateNotFound", text, {"Location": call.link({"$deltatoken": ""})})
    return place


def _typed(kind: Kind, shelf: Shelf, call: Call, item: Item) -> Json:
    return {"@odata.type": kind.type} | whole(kind, shelf, item, immutable=immutable(call))


def _change(kind: Kind, shelf: Shelf, call: Call, number: int, item: Item | None) -> Json:
    if item is not None:
        return shape(_typed(kind, shelf, call, item), call)
    moved = shelf.items.get(number)
    moves = max(0, moved.moves - 1) if moved else 0
    gone = item_id(shelf.mailbox, shelf.kind, number, moves, immutable=immutable(call))
    return {"@odata.type": kind.type, "id": gone, "@removed": {"reason": "deleted"}}


def _delta_answer(call: Call, rows: list[Json], token: dict[str, str]) -> Answer:
    name = "@odata.nextLink" if "$skiptoken" in token else "@odata.deltaLink"
    kept = {key: value for key, value in call.options.items() if key not in {"$skiptoken", "$deltatoken"}}
    body = {"@odata.context": f"{call.base}/$metadata#Collection({call.segments[-2]})", name: call.link(kept | token)}
    return Answer(body=body | {"value": rows})
