"""The master list of one mailbox: reads and writes it; decides nothing.

The name of a category is unique in its list in any case, and never changes; its colour may.
learn.microsoft.com/graph/api/outlookuser-list-mastercategories
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

from bulkmail.core.odata import segment
from bulkmail.graph import Graph
from bulkmail.model import Change
from bulkmail.tasks.categories.colours import NONE
from bulkmail.tasks.kit import expect, match

PATH = "/outlook/masterCategories"
KEY = "category:"
"""What the key of a change begins with, before the name of the category in lower case."""


class Category(NamedTuple):
    """One category as it was read."""

    id: str
    name: str
    color: str

    @classmethod
    def of(cls, body: Any) -> Self:
        item = expect.an_item(body, "a category")
        return cls(item["id"], expect.text(item, "displayName"), expect.text(item, "color").casefold() or NONE)

    @property
    def key(self) -> str:
        return key_of(self.name)

    @property
    def values(self) -> dict[str, Any]:
        """What it takes to make it again."""
        return body_of(self.name, self.color)


def key_of(name: str) -> str:
    """The key of a change."""
    return KEY + name.casefold()


def body_of(name: str, color: str) -> dict[str, Any]:
    """A category as the service is asked for it."""
    return {"displayName": name, "color": color}


async def categories_of(graph: Graph) -> list[Category]:
    """The master list, as the service gives it."""
    return [Category.of(one) async for one in graph.items(PATH)]


def find(categories: Sequence[Category], key: str) -> Category | None:
    """The category with this key, or None."""
    return next((one for one in categories if one.key == key), None)


async def make(graph: Graph, values: Mapping[str, Any]) -> None:
    """Makes a category. When the answer is lost, it is looked for by its name."""
    key = key_of(values["displayName"])

    async def look() -> Any:
        return find(await categories_of(graph), key)

    await graph.create(PATH, dict(values), change=Change(key, None, values), find=look)


async def recolour(graph: Graph, category: Category, color: str) -> None:
    """Changes the colour of a category."""
    change = Change(category.key, category.values, body_of(category.name, color))
    await graph.patch(PATH + "/{}", {"color": color}, category.id, change=change)


async def remove(graph: Graph, category: Category) -> None:
    """Takes a category from the list; messages keep its name, without a colour. It may be gone already."""
    await match.remove(graph, f"{PATH}/{segment(category.id)}", Change(category.key, category.values, None))
