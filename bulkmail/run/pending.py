"""What a mailbox has put out and is not committed yet: rows, then whatever a long task makes besides.

Is the `model.Store` of its task. Rows of a short mailbox stay in a list until it ends. From some hundreds on they are
encoded as they come; past some megabytes they lie in a spill, so that a mailbox may yield millions.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bulkmail.errors import TaskMistake
from bulkmail.model import NOTHING, Checkpoint, Mailbox, Row
from bulkmail.run.writer import Block, Extra, Part, Writer
from bulkmail.rundir.entries import Reached, checked_state
from bulkmail.rundir.totals import Totals
from bulkmail.sink.blobs import Blobs, MailboxBlobs, Writing
from bulkmail.sink.spill import Spill, Spills
from bulkmail.streams import Frame
from bulkmail.task.lasting import Lasting

CHUNK = 256
"""Rows that are encoded together."""

LARGEST = 1 << 20
"""Bytes of the state that a mailbox may leave for the next run: a few thousand delta links."""


class Remembered(Protocol):
    """What mailboxes left behind in earlier runs."""

    async def read(self, mailbox: Mailbox, /) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a run puts what its mailboxes find. `reached` has the last checkpoint of mailboxes without an outcome, by
    row. `states` is there for a task that keeps state."""

    writer: Writer
    spills: Spills
    blobs: Blobs
    states: Remembered | None = None
    totals: Totals = field(default_factory=Totals)
    reached: dict[int, Reached] = field(default_factory=dict)

    def durable(self, mailbox: Mailbox) -> int:
        """Rows of a mailbox without an outcome that are committed."""
        return self.reached[mailbox.row].rows if mailbox.row in self.reached else 0


class Pending:
    """One mailbox's. Its worker appends to `rows`, and calls `encode` when there are CHUNK of them."""

    # Nearly every mailbox is short: what the others have is set when they have it, and costs the short ones nothing.
    is_short = True
    """Whether all that there is to commit is in `rows`."""
    _encoded = 0  # rows that are no longer in `rows`, since the last checkpoint
    _spill: Spill | None = None
    _blobs: MailboxBlobs | None = None
    _state: dict[str, Any] | None = None

    def __init__(self, outputs: Outputs, mailbox: Mailbox) -> None:
        self._outputs = outputs
        self._mailbox = mailbox
        self.rows: list[Row] = []
        if outputs.reached and mailbox.row in outputs.reached:
            self.is_short = False

    @property
    def checkpoint(self) -> Mapping[str, Any]:
        reached = self._outputs.reached.get(self._mailbox.row)
        return reached.state if reached else NOTHING

    @property
    def _before(self) -> Mapping[str, int]:
        """The committed blobs of a mailbox that has not begun another one."""
        reached = self._outputs.reached.get(self._mailbox.row)
        return reached.blobs if reached else {}

    @property
    def state(self) -> dict[str, Any]:
        if self._state is None:
            raise TaskMistake("a task has a state only if it is declared with keeps_state")
        return self._state

    @property
    def turn(self) -> asyncio.Semaphore:
        return self._outputs.blobs.turn

    def blob(self, name: str, frame: Frame | None = None, /, *, hashed: bool = True) -> Writing:
        self.is_short = False
        if self._blobs is None:
            self._blobs = self._outputs.blobs.of(self._mailbox, self._before)
        return self._blobs.open(name, frame, hashed=hashed)

    def carried(self, done: int, expected: int, /) -> None:
        self._outputs.totals.carried[self._mailbox.row] = done, expected

    async def begin(self) -> None:
        """Reads the state that the mailbox left behind, for a task that keeps one."""
        self.is_short = False
        self._state = await self._outputs.states.read(self._mailbox) if self._outputs.states is not None else {}

    async def encode(self) -> None:
        """Takes what is in `rows`. Raises TypeError or ValueError for a row that cannot be written, and OutputError."""
        self.is_short = False
        blocks = self._outputs.writer.encode(self.rows)
        self._encoded += len(self.rows)
        self.rows.clear()
        if self._spill is None:
            self._spill = self._outputs.spills.open(len(blocks))
        await self._spill.add(blocks)

    async def commit(self, checkpoint: Checkpoint) -> None:
        """Returns when a checkpoint is durable, with the rows and blobs before it."""
        self.is_short = False
        state, durable = checked_state(checkpoint), asyncio.Event()
        number, blocks = self._number, await self._blocks()
        await self._send()
        lasts = isinstance(checkpoint, Lasting) and self._state is not None
        extra = Extra(done=durable.set, state=checked_state(self.state, LARGEST) if lasts else None)
        reached = Reached(self._mailbox, number, state, self._attach(extra))
        await self._outputs.writer.put(Part(reached, blocks, extra))
        if self._blobs is None:  # those of the runs before are still to be known when the first one comes
            reached = reached._replace(blobs=self._before)
        self._outputs.reached[self._mailbox.row] = reached
        await durable.wait()

    async def complete(self) -> tuple[int, Sequence[bytes | Block], Extra]:
        """The number of all rows of a mailbox that has done its work and is not short, and what is committed with its
        outcome."""
        extra = Extra(state=None if self._state is None else checked_state(self._state, LARGEST))
        number, blocks = self._number, await self._blocks()
        await self._send()
        self._attach(extra)
        return number, blocks, extra

    @property
    def committed(self) -> int:
        """Rows that are committed already, by checkpoints."""
        return self._outputs.durable(self._mailbox)

    @property
    def _number(self) -> int:
        return self.committed + self._encoded + len(self.rows)

    async def discard(self) -> None:
        """The mailbox has failed: what was committed stays, all else is given up. Raises OutputError."""
        if self._spill is not None:
            self._spill.release()
            await asyncio.to_thread(self._spill.remove)
        if self._blobs is not None:
            await self._blobs.roll_back()

    async def _blocks(self) -> Sequence[bytes | Block]:
        """The rows that are not committed yet, encoded."""
        if self._spill is not None:
            await self.encode()
            return self._spill.blocks
        blocks = self._outputs.writer.encode(self.rows)
        self._encoded += len(self.rows)
        self.rows.clear()
        return blocks

    async def _send(self) -> None:
        if self._blobs is not None:
            await self._blobs.send()

    def _attach(self, extra: Extra) -> Mapping[str, int]:
        """What lies in files goes with the rows, and another part begins. Gives the length of each file of blobs."""
        spill, self._spill, self._encoded = self._spill, None, 0
        if spill is not None:
            extra.after, done = spill.remove, extra.done

            def release() -> None:
                spill.release()
                done()

            extra.done = release
        blobs = self._blobs
        lengths = blobs.commit() if blobs is not None else {}
        if blobs is not None and lengths:
            extra.before = lambda: blobs.sync(lengths)
        return lengths
