"""What all resources inside a mailbox have in common: how an item is shown, listed, found and changed.

A family adds what is special about its kinds.
"""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, TypeVar

from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request, item_not_found
from bulkmail.sim.graph.kind import Kind
from bulkmail.sim.graph.odata import (
    is_property_id,
    order,
    page_size,
    parse_filter,
    property_key,
    select,
    whole_number,
)
from bulkmail.sim.tenant.ids import item_id
from bulkmail.sim.tenant.store import Item, Store
from bulkmail.sim.witness.marks import EXTENDED, key_of
from bulkmail.sim.world import World

T = TypeVar("T")
UNSHOWN = frozenset({EXTENDED, "apart", "bytes"})
ON_REQUEST = frozenset({"internetMessageHeaders"})  # shown only where $select names it


def stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def context(world: World, call: Call, path: str, *, one: bool = False) -> Json:
    chosen = call.options.get("$select")
    suffix = "/$entity" if one else f"({chosen})" if chosen else ""
    return {"@odata.context": f"{call.base}/$metadata#users('{world.tenant.guid(call.user)}')/{path}{suffix}"}


def change_key(item: Item) -> str:
    return base64.b64encode(f"CQAAABYAAA{item.number:05x}{item.version:05x}{item.moves:04x}".encode()).decode()


def whole(kind: Kind, store: Store, item: Item, *, immutable: bool = False) -> Json:
    """An item with everything there is, before the query options had their say."""
    shown: Json = {"id": store.id_of(item, immutable=immutable)} if store.ids else {}
    if kind.versioned:
        key = change_key(item)
        shown |= {"@odata.etag": f'W/"{key}"', "changeKey": key}
    if kind.parents:
        shown["parentFolderId"] = item_id(store.mailbox, kind.parents, item.parent)
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


def as_is(item: Any) -> Any:
    return item


def page(
    world: World, call: Call, kind: Kind, things: Sequence[T], path: str = "", row: Callable[[T], Json] = as_is
) -> Answer:
    """A page of a listing by $filter, $orderby, $top and $skip; the next one by an absolute link.

    `row` makes an item out of a thing: of all of them where they are filtered or ordered, else of this page's only.
    """
    return part(world, call, kind, chosen(call, things, row), path, row)


def chosen(call: Call, things: Sequence[T], row: Callable[[T], Json] = as_is) -> Sequence[T]:
    """Those of the things that $filter lets through, in the order of $orderby."""
    if call.options.get("$filter"):
        test = parse_filter(call.options["$filter"]).test
        things = [thing for thing in things if test(row(thing))]
    return order(things, call.options, row) if "$orderby" in call.options else things


def part(
    world: World, call: Call, kind: Kind, things: Sequence[T], path: str = "", row: Callable[[T], Json] = as_is
) -> Answer:
    """A page of things that are chosen already."""
    start = whole_number(call.options, "$skip", 0)
    size = page_size(call.options, preferred(call, kind.page), kind.most)
    body = context(world, call, path or kind.path)
    if call.options.get("$count", "").lower() == "true":
        body["@odata.count"] = len(things)
    if start + size < len(things):
        body["@odata.nextLink"] = call.link({**call.options, "$skip": str(start + size)})
    return Answer(body=body | {"value": [shape(row(thing), call) for thing in things[start : start + size]]})


def preferred(call: Call, default: int) -> int:
    """The size of a page that the Prefer header asks for."""
    text = call.prefers("odata.maxpagesize") if "prefer" in call.headers else ""
    return int(text) if text.isdigit() else default


def listing(world: World, call: Call, kind: Kind, items: Iterable[Item], path: str = "") -> Answer:
    store, fixed = kind.of(world.mailboxes.read(call.user)), immutable(call)
    here = [item for item in items if item.due <= call.now]
    return page(world, call, kind, here, path, lambda item: whole(kind, store, item, immutable=fixed))


def find(world: World, call: Call, kind: Kind, text: str) -> Item:
    """The item with this id, or Refusal; ids of things not yet arrived are unknown."""
    store = kind.of(world.mailboxes.read(call.user))
    item = store.find(text) if store.ids else store.first(lambda item: item.props["id"] == text)
    if item is None or item.due > call.now:
        raise item_not_found()
    return item


def one(world: World, call: Call, kind: Kind, item: Item, status: int = 200) -> Answer:
    store = kind.of(world.mailboxes.read(call.user))
    body = shape(whole(kind, store, item, immutable=immutable(call)), call)
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
    if isinstance(value, bool) != isinstance(example, bool):  # a switch is not a number
        return False
    return isinstance(value, str if example is None else type(example))


def _check_extended(marks: list[Any]) -> None:
    for mark in marks:
        if not isinstance(mark, dict) or not isinstance(mark.get("id"), str) or not isinstance(mark.get("value"), str):
            raise bad_request("An extended property needs an id and a value.", "ErrorInvalidProperty")
        if not is_property_id(mark["id"]):
            text = "An id is 'Type {guid} Name name', 'Type {guid} Id 0x8000' or 'Type 0x3000'."
            raise bad_request(text, "ErrorInvalidProperty")


def arrival(call: Call) -> float:
    """When what this call makes will be found: at once, unless the service lags behind."""
    return call.now + call.lag if call.lag else 0.0


def create(world: World, call: Call, kind: Kind, props: Json, parent: int) -> Answer:
    item = kind.of(world.mailboxes.write(call.user)).add(props, parent, arrival(call))
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
