"""Items of one kind in a mailbox, with the history that delta queries need. Knows no resource and no query."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.ids import item_id, read_id


@dataclass(slots=True)
class Item:
    """`props` are as clients see them, without the id. `due` is when an item that is on its way arrives."""

    number: int
    parent: int
    props: Json
    moves: int = 0
    version: int = 0
    due: float = 0.0


class Store:
    """`ids` is the mark of its ids, 0 where the id is one of the properties; `steady` ones outlive a move.

    `history` tells, for each change, the item and the parents that it has and had.
    """

    def __init__(self, mailbox: int, ids: int, items: Iterable[Item] = (), *, steady: bool = False) -> None:
        self.mailbox = mailbox
        self.ids = ids
        self.steady = steady
        self.items = {item.number: item for item in items}
        self.history: list[tuple[int, frozenset[int]]] = []
        self._last = max(self.items, default=0)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items.values())

    def id_of(self, item: Item, *, immutable: bool = False) -> str:
        return item_id(self.mailbox, self.ids, item.number, item.moves, immutable=immutable)

    def find(self, text: str) -> Item | None:
        """The item with this id; an ordinary id from before a move is not valid any more."""
        ref = read_id(text)
        if ref is None or ref.kind != self.ids or ref.mailbox != self.mailbox:
            return None
        item = self.items.get(ref.number)
        return item if item and (ref.immutable or ref.moves == item.moves) else None

    def first(self, holds: Callable[[Item], bool]) -> Item | None:
        return next(filter(holds, self), None)

    def add(self, props: Json, parent: int, due: float = 0.0) -> Item:
        self._last += 1
        item = self.items[self._last] = Item(self._last, parent, props, due=due)
        self._note(item, item.parent)
        return item

    def change(self, item: Item, props: Json) -> Item:
        item.props = item.props | props
        self._note(item, item.parent)
        return item

    def move(self, item: Item, parent: int, *, keep_id: bool = False) -> Item:
        before, item.parent = item.parent, parent
        item.moves += not (self.steady or keep_id)
        self._note(item, before)
        return item

    def remove(self, item: Item) -> None:
        del self.items[item.number]
        self._note(item, item.parent)

    def _note(self, item: Item, before: int) -> None:
        item.version += 1
        self.history.append((item.number, frozenset({item.parent, before})))

    def changed_since(self, place: int, parent: int | None, until: int | None = None) -> dict[int, Item | None]:
        """Item number to the item as it is, or None where it is not under `parent` any more."""
        numbers = [n for n, parents in self.history[place:until] if parent is None or parent in parents]
        found = {number: self.items.get(number) for number in numbers}
        return {n: item if item and parent in {None, item.parent} else None for n, item in found.items()}
