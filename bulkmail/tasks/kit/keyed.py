"""Marks what a task makes with a key in a named property, and finds it again by that key. Knows no kind of item.

Outlook and other programs leave a property in a namespace of our own alone, and it stays with the item when the item
moves. An item without the property was made by someone else. learn.microsoft.com/graph/extensibility-overview
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bulkmail.core.odata import literal

EXTENDED = "singleValueExtendedProperties"

UNMADE = "to-be-made"
"""Stands for the id of an item that a plan would make. Writes below it are only noted, and nothing is read there."""


class Mark(NamedTuple):
    """A named property that holds a text. `guid` is its namespace: make a new one for each kind of item."""

    guid: str
    name: str

    @property
    def id(self) -> str:
        """As the service names the property."""
        return f"String {{{self.guid}}} Name {self.name}"

    @property
    def expand(self) -> str:
        """The `$expand` that gives each item with its key."""
        return f"{EXTENDED}($filter=id eq '{self.id}')"

    def filter(self, key: str) -> str:
        """The `$filter` that leaves only items with this key."""
        return f"{EXTENDED}/Any(ep: ep/id eq '{self.id}' and ep/value eq {literal(key)})"

    def marked(self, body: Mapping[str, Any], key: str) -> dict[str, Any]:
        """The body of a create, with the key in it."""
        return {**body, EXTENDED: [{"id": self.id, "value": key}]}


def key_of(item: Mapping[str, Any]) -> str:
    """The key of an item that was read with `expand`; empty for an item without one."""
    marks = item.get(EXTENDED)
    found = [mark for mark in marks if isinstance(mark, dict)] if isinstance(marks, list) else []
    return str(found[0].get("value", "")) if found else ""
