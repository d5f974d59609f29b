"""Keeps addresses out of the files of a masked run. The key of the mask stays with the coordinator: a worker sends its
rows as they are, and they are masked, and encoded for the files, before they are written."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import orjson

from bulkmail.cluster.messages import Done, Plain
from bulkmail.model import Mailbox, Rejected, Row
from bulkmail.run.sweep import Masking as Mask


class Masking:
    """`encode` gives rows for each file of the run."""

    def __init__(self, mask: Mask, encode: Callable[[Sequence[Row]], Sequence[bytes]]) -> None:
        self._mask = mask
        self._encode = encode
        self._turn = asyncio.Lock()  # formats remember what they saw, and are one thread's at a time

    def named(self, given: Plain) -> Plain:
        """A mailbox for a worker, with what stands for its address."""
        *told, _ = given
        return *told, self._mask.text(given[0])

    async def hidden(
        self, held: Mapping[int, Mailbox], ended: Sequence[Plain], items: Sequence[Done]
    ) -> tuple[list[Plain], list[Done]]:
        """What a worker sent that has `held` these mailboxes, by row, as it is written."""
        addresses = {told[0]: held[told[0]].address for told in ended if told[0] in held}
        async with self._turn:
            return await asyncio.to_thread(self._all_hidden, addresses, ended, items)

    def _all_hidden(
        self, addresses: Mapping[int, str], ended: Sequence[Plain], items: Sequence[Done]
    ) -> tuple[list[Plain], list[Done]]:
        plain = [(*told, self._written(addresses[told[0]], blocks)) for *told, blocks in ended if told[0] in addresses]
        others = [
            one if isinstance(one.outcome, Rejected)
            else one._replace(blocks=self._written(one.outcome.mailbox.address, one.blocks))
            for one in items
        ]  # fmt: skip
        return plain, others

    def _written(self, address: str, blocks: Sequence[bytes]) -> Sequence[bytes]:
        if not any(blocks):
            return ()
        [lines] = blocks
        return self._encode([self._mask.row(orjson.loads(line), address) for line in lines.splitlines()])
