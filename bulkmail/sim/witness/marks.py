"""What a thing in a mailbox is known by to its writer: the key by which the books count what was done to it."""

from collections.abc import Mapping
from typing import Any

from bulkmail.sim.graph.call import Call, Json
from bulkmail.sim.tenant.store import Item, Store

EXTENDED = "singleValueExtendedProperties"
NAMES = ("transactionid", "internetmessageid", "subject", "displayname", "name", "destinationid")  # in lower case


def key_of(props: Mapping[str, Any]) -> str:
    """The value of its first extended property, which a careful client gives to what it must not write twice."""
    marks = props.get(EXTENDED)
    first = marks[0] if isinstance(marks, list) and marks else None
    return str(first.get("value", "")) if isinstance(first, dict) else ""


def effect_key(call: Call) -> str:
    """The key that the route found; else the ids of the path, and of a creation what makes it stand out."""
    if call.key:
        return call.key
    path = " ".join(call.keys[1:])
    if call.method != "POST" or not call.body.startswith(b"{"):
        return path
    body = call.parameters()
    inner = body.get("message", body)
    marked = {name.lower(): value for name, value in inner.items()} if isinstance(inner, dict) else body
    mark = next((str(marked[name]) for name in NAMES if marked.get(name)), "")
    return f"{path} {mark}".strip()


def row(store: Store, item: Item) -> Json:
    """For a witness: `key` is the value of its first extended property, `due` its arrival by the simulator's clock."""
    named = {"id": store.id_of(item), "immutableId": store.id_of(item, immutable=True)} if store.ids else {}
    return named | {"key": key_of(item.props), "parent": item.parent, "due": item.due, **item.props}
