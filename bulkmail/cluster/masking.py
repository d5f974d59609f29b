"""Keeps addresses out of the files of a masked run. The key of the mask stays with the coordinator: a worker sends its
rows as they are, and they are masked, and encoded for the files, before they are written."""

import asyncio
from collections.abc import Callable, Sequence

import orjson

from bulkmail.cluster.messages import Done, Given
from bulkmail.model import Rejected, Row
from bulkmail.run.sweep import Masking as Mask


class Masking:
    """`encode` gives rows for each file of the run."""

    def __init__(self, mask: Mask, encode: Callable[[Sequence[Row]], Sequence[bytes]]) -> None:
        self._mask = mask
        self._encode = encode
        self._turn = asyncio.Lock()  # formats remember what they saw, and are one thread's at a time

    def named(self, given: Given) -> Given:
        """A mailbox for a worker, with what stands for its address."""
        return given._replace(hidden=self._mask.text(given.mailbox.address))

    async def hidden(self, items: Sequence[Done]) -> list[Done]:
        """What a worker sent, as it is written."""
        async with self._turn:
            return await asyncio.to_thread(lambda: [*map(self._hidden, items)])

    def _hidden(self, item: Done) -> Done:
        if isinstance(item.outcome, Rejected) or not any(item.blocks):
            return item._replace(blocks=())
        address = item.outcome.mailbox.address
        [lines] = item.blocks
        return item._replace(
            blocks=self._encode([self._mask.row(orjson.loads(one), address) for one in lines.splitlines()])
        )
