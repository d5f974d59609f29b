"""The ends of a worker's sweep that lead to the coordinator: rows come from there, and outcomes, changes, tokens and
states go there. Each looks to the sweep like that of a run alone."""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

from bulkmail.cluster.calls import Calls, Packed, unpacked
from bulkmail.cluster.messages import Done, Given, Note, Plain, plain_outcome, plain_request
from bulkmail.model import Ending, Made, Mailbox, Rejected, Request
from bulkmail.run.writer import Block, Extra, Finished, Part, Sink, Writer
from bulkmail.rundir.entries import Reached
from bulkmail.rundir.totals import Totals
from bulkmail.sink.uncancelled import uncancelled

TOKEN = 60.0
"""Seconds that a token is used before the coordinator is asked whether there is a newer one: it renews a token minutes
before that expires."""


class Tokens:
    """A `model.TokenSource`: the coordinator's. It is renewed there, for all."""

    def __init__(self, coordinator: Calls) -> None:
        self._coordinator = coordinator
        self._time = asyncio.get_running_loop().time
        self._token, self._until = "", -math.inf

    async def token(self, *, refused: str = "", claims: str = "") -> str:
        if self._time() < self._until and self._token != refused:
            return self._token
        asked = self._time()
        token = str(await self._coordinator.call("token", refused, claims))
        if asked + TOKEN > self._until:  # of two that were asked for at a time, the later one
            self._token, self._until = token, asked + TOKEN
        return token


class Rows:
    """A `model.Chunks`: a chunk is what the coordinator hands out at a time. What it says of a mailbox is put into
    `reached` and `made`, by row, and into `hidden`, by address."""

    def __init__(
        self, coordinator: Calls, reached: dict[int, Reached], made: dict[int, Mapping[int, Made]],
        hidden: dict[str, str],
    ) -> None:  # fmt: skip
        self._coordinator = coordinator
        self._reached = reached
        self._made = made
        self._hidden = hidden

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        while (given := await self._coordinator.call("rows")) is not None:
            yield [self._taken(Given.of(one)) for one in given]

    def _taken(self, given: Given) -> Mailbox:
        row = given.mailbox.row
        if given.reached is not None:
            self._reached[row] = given.reached
        if given.made:
            self._made[row] = given.made
        if given.hidden:
            self._hidden[given.mailbox.address] = given.hidden
        return given.mailbox


class States:
    """What mailboxes left behind in earlier runs, which the coordinator keeps."""

    def __init__(self, coordinator: Calls) -> None:
        self._coordinator = coordinator

    async def read(self, mailbox: Mailbox, /) -> dict[str, Any]:
        found: dict[str, Any] = await self._coordinator.call("state", mailbox)
        return found


class Asked(NamedTuple):
    """A change that may leave once it is `written`, which gives its number."""

    request: Request
    planned: bool
    written: asyncio.Future[int]


class Ledger:
    """A `model.Ledger`: an intent is durable at the coordinator before `intend` returns. Those that come while others
    are on their way go together, in one call. What became of changes goes there before the outcomes of their mailboxes
    do."""

    def __init__(self, coordinator: Calls) -> None:
        self._coordinator = coordinator
        self._asked: list[Asked] = []
        self._work = asyncio.Event()
        self._notes: list[Note] = []

    async def plan(self, request: Request, /) -> None:
        await self._written(request, planned=True)

    async def intend(self, request: Request, /) -> int:
        return await self._written(request, planned=False)

    async def _written(self, request: Request, *, planned: bool) -> int:
        one = Asked(request, planned, asyncio.get_running_loop().create_future())
        self._asked.append(one)
        self._work.set()
        return await one.written

    async def write(self) -> None:
        """Until cancelled. Raises Gone."""
        while True:
            await self._work.wait()
            self._work.clear()
            asked, self._asked = self._asked, []
            told = [(one.planned, plain_request(one.request)) for one in asked]
            for one, answer in zip(asked, await self._coordinator.call("intend", told), strict=True):
                self._settle(one, answer)

    def _settle(self, one: Asked, answer: int | Packed) -> None:
        if not one.written.done():
            if isinstance(answer, int):
                one.written.set_result(answer)
            else:
                one.written.set_exception(unpacked(*answer))
        elif isinstance(answer, int) and not one.planned:  # its mailbox was cancelled meanwhile
            self.conclude(answer, one.request, Ending.UNSENT)

    def conclude(self, number: int, _: Request, ending: Ending, id: str = "", /) -> None:  # noqa: A002
        self._notes.append((number, ending, id))

    def take(self) -> list[Note]:
        notes, self._notes = self._notes, []
        return notes


class Outcomes(Writer):
    """A run's writer, whose groups go to the coordinator, and count once they are written there."""

    def __init__(self, sinks: Sequence[Sink], totals: Totals, coordinator: Calls, ledger: Ledger) -> None:
        super().__init__(sinks, _Elsewhere(), _Elsewhere(), totals)
        self._coordinator = coordinator
        self._ledger = ledger

    async def _commit(self, group: Sequence[Finished | Part | Rejected]) -> None:
        if cancelled := await uncancelled(self._send(group)):
            raise cancelled

    async def _send(self, group: Sequence[Finished | Part | Rejected]) -> None:
        ended, others = list[Plain](), list[Finished | Part | Rejected]()
        for one in group:
            if isinstance(one, Finished) and one.extra is None:
                ended.append(plain_outcome(one.outcome, _whole(one.blocks)))
            else:
                others.append(one)
        extras = [one.extra for one in others if not isinstance(one, Rejected) and one.extra is not None]
        done = await asyncio.to_thread(_packed, others, extras) if extras else list(map(_done, others))
        await self._coordinator.call("done", ended, done, self._ledger.take())
        if extras:
            await asyncio.to_thread(_after, extras)
        for extra in extras:
            extra.done()


def _packed(group: Sequence[Finished | Part | Rejected], extras: Sequence[Extra]) -> list[Done]:
    """In a thread, since rows and blobs may lie in files."""
    for extra in extras:
        extra.before()
    return list(map(_done, group))


def _done(item: Finished | Part | Rejected) -> Done:
    if isinstance(item, Rejected):
        return Done(item)
    return Done(item.outcome, _whole(item.blocks), item.extra.state if item.extra else None)


def _whole(blocks: Sequence[bytes | Block]) -> list[bytes]:
    return [block if isinstance(block, bytes) else b"".join(block) for block in blocks]


def _after(extras: Sequence[Extra]) -> None:
    for extra in extras:
        extra.after()


class _Elsewhere:
    """A journal and a file of a run that has them elsewhere."""

    def append(self, entries: Sequence[Any], /) -> None:
        raise NotImplementedError
