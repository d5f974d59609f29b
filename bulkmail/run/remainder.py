"""Gives an outcome to every mailbox that did not get to its end: `not_run`, behind all others, with what it had cost.

It runs when no worker does any more. Nothing that was read, or can still be read, is left out.
"""

from collections import deque
from collections.abc import Iterable

from bulkmail.model import Mailbox, Outcome, Problem, Rejected, Status, Tally
from bulkmail.run.feed import Feed
from bulkmail.run.pending import Outputs
from bulkmail.run.writer import Finished


class Remainder:
    """`rest` are rows that were handed out, each with what it had cost; `reason` says why no more was done.

    `broken` is why the input cannot be read any further, or None; where it breaks only now, it is set.
    """

    def __init__(
        self,
        feed: Feed,
        outputs: Outputs,
        rest: Iterable[tuple[Mailbox | Rejected | Finished, Tally]],
        reason: str,
        broken: Exception | None,
    ) -> None:
        self._feed = feed
        self._outputs = outputs
        self._rest = deque(rest)
        self._reason = reason
        self.broken = broken

    async def account(self) -> None:
        """To the end of the input. If cancelled, it reads no more, and accounts for what was read."""
        try:
            while await self._read_on():
                await self._put_first()
        finally:
            await self._feed.close()  # at once: a row that is read from now on must not be counted
            self._rest.extend((row, Tally()) for row in self._feed.at_hand())
            while self._rest:
                await self._put_first()

    async def _read_on(self) -> bool:
        """Whether anything is left to account for."""
        if not self._rest and self.broken is None:
            try:
                row = await self._feed.next()
            except Exception as error:  # noqa: BLE001 - the sweep raises it
                self.broken = error
            else:
                self._rest.extend([(row, Tally())] if row is not None else [])
        return bool(self._rest)

    async def _put_first(self) -> None:
        item, spent = self._rest[0]
        if isinstance(item, Mailbox):
            rows, problem = self._outputs.durable(item), Problem("NotRun", self._reason)
            item = Finished(Outcome(item, Status.NOT_RUN, rows, spent, problem=problem), ())
        await self._outputs.writer.put(item)
        self._rest.popleft()
