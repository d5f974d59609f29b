"""A few mailboxes of an input of any size: the first, the last, and some at random between them."""

from collections.abc import AsyncIterator, Sequence
from random import Random

from bulkmail.model import Counts, Mailbox, Rejected
from bulkmail.source.once import ReadOnce

RANDOM = 10
"""Mailboxes beside the first and the last."""


class Sample(ReadOnce):
    """Shown all mailboxes once, it keeps `number` of them, each as likely as any other (Vitter's algorithm R), and the
    first and the last. Is a `model.Source` of those."""

    def __init__(self, dice: Random, number: int = RANDOM) -> None:
        self._dice = dice
        self._number = number
        self._shown = 0
        self._first: Mailbox | None = None
        self._last: Mailbox | None = None
        self._kept: list[Mailbox] = []
        self.counts = Counts()

    def __repr__(self) -> str:
        return f"<Sample {len(self.mailboxes)} of {self._shown}>"

    @property
    def name(self) -> str:
        return "the sample"

    @property
    def mailboxes(self) -> list[Mailbox]:
        """In the order of the input."""
        ends = [one for one in (self._first, self._last) if one is not None]
        return sorted({one.row: one for one in (*self._kept, *ends)}.values(), key=lambda one: one.row)

    def look(self, chunk: Sequence[Mailbox | Rejected]) -> None:
        """Shows it the next part of the input."""
        for row in chunk:
            if isinstance(row, Mailbox):
                self._show(row)

    def _show(self, mailbox: Mailbox) -> None:
        if self._first is None:
            self._first = mailbox
            return
        between, self._last = self._last, mailbox
        if between is None:
            return
        self._shown += 1
        if len(self._kept) < self._number:
            self._kept.append(between)
        elif (place := self._dice.randrange(self._shown)) < self._number:
            self._kept[place] = between

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        chosen = self.mailboxes
        self.counts = Counts(len(chosen))
        yield chosen
