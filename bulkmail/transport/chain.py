"""Posts the links of a chain as one `$batch`, each dependent on the one before it, and hands each its own answer.
Decides nothing about limits or retries.

All links of a chain are admitted in the same turn of the loop, and the post leaves in the next one. The service works
on one at a time, and stops at the first that fails: those behind it were not carried out (424), and ask the limiter
again, which costs them no attempt. So no link decides over another.

A post that fails as a whole says nothing about its links. They may be repeated, all of them, and go plain at once; it
costs them no attempt. While the service asks for a pause of its batches, they go plain as well.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bulkmail.core.batch import Alone, BatchRejected, Pause, Readmit, pack, stayed, unpack
from bulkmail.core.post import Fate, fate, with_ids, with_scope
from bulkmail.core.slots.chain import SLOW, Chain
from bulkmail.errors import NOT_SENT, TransportError, Unreachable
from bulkmail.model import Effect, Request, Response, Transport

Part: TypeAlias = tuple[Request, asyncio.Future[Response]]
"""A link, and where its answer is waited for."""

SKIPPED = 424
"""What the service answers for a link that was not carried out, because one before it has failed."""


class Chaining:
    """Open it with `chaining()`, which waits for all posts at its end."""

    def __init__(
        self, inner: Transport, posts: asyncio.TaskGroup, *, held: Callable[[str], bool], pause: Pause
    ) -> None:
        self._inner = inner
        self._posts = posts
        self._held = held
        self._pause = pause
        self._loop = asyncio.get_running_loop()
        self._coming: dict[Chain, list[Part]] = {}
        self._left: set[asyncio.Future[Response]] = set()  # the answers to links that have left, or are about to

    def __repr__(self) -> str:
        return f"<Chaining {len(self._coming)} to be posted>"

    def send(self, request: Request, /) -> Coroutine[Any, Any, Response]:
        return self._inner.send(request) if request.chain is None else self._link(request, request.chain)

    async def _link(self, request: Request, chain: Chain) -> Response:
        if not chain.open:
            raise Readmit
        if chain not in self._coming:
            self._coming[chain] = []
            self._loop.call_soon(self._launch, chain)
        answer: asyncio.Future[Response] = self._loop.create_future()
        self._coming[chain].append((request, answer))
        try:
            return await answer
        except asyncio.CancelledError as cancelled:
            if answer not in self._left or (not answer.cancelled() and stayed(answer.exception())):
                cancelled.add_note(NOT_SENT)
            raise
        finally:
            self._left.discard(answer)

    def _launch(self, chain: Chain) -> None:
        """All that has come leaves."""
        chain.open = False
        parts = [part for part in self._coming.pop(chain) if not part[1].done()]
        if parts and self._may_leave(parts):
            self._left.update(answer for _, answer in parts)
            self._posts.create_task(self._post(parts, chain))

    def _may_leave(self, parts: Sequence[Part]) -> bool:
        """Ends them where their fence rose in this turn of the loop, or the service asked for a pause."""
        if self._held(parts[0][0].lane):
            _end(parts, Readmit)
        elif self._pause.holds(self._loop.time()):
            _end(parts, _plain)
        else:
            return True
        return False

    def abandon(self) -> None:
        """Nothing that has come will leave."""
        for parts in self._coming.values():
            for _, answer in parts:
                answer.cancel()

    async def _post(self, parts: Sequence[Part], chain: Chain) -> None:
        begun, chain.sound = self._loop.time(), False
        if not self._may_leave(parts):
            return
        try:
            body, count = pack([request for request, _ in parts], chained=True)
            _end(parts[count:], Readmit)
            parts = parts[:count]
            fresh = any(request.fresh for request, _ in parts)
            headers = {"Content-Type": "application/json"}
            whole = await self._inner.send(
                Request("POST", "/$batch", headers=headers, body=body, effect=Effect.NONE, batchable=False, fresh=fresh)
            )
            sound = self._take_apart(parts, whole)
            chain.sound = sound and self._loop.time() - begun <= SLOW
        except TransportError as error:
            _fail(parts, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer to each of the links
            for _, answer in _open(parts):
                answer.set_exception(error)
        except BaseException:
            for _, answer in parts:
                answer.cancel()
            raise

    def _take_apart(self, parts: Sequence[Part], whole: Response) -> bool:
        """Whether all links were carried out."""
        become = fate(whole.status)
        if become is Fate.EACH:
            for _, answer in _open(parts):
                answer.set_result(with_ids(with_scope(whole), whole))
        elif become is Fate.HALVED:  # none was worked on, and the fault is with one of them
            _end(parts, _plain)
        elif become is Fate.FAILED:
            self._pause.asked(whole, datetime.now(UTC).timestamp(), self._loop.time())
            _doubt(parts, str(whole.status))
        else:
            try:
                answers = unpack(whole.body, len(parts))
            except BatchRejected:
                _doubt(parts, "no answer to a batch")
            else:
                return _hand_out(parts, answers, whole)
        return False


def _hand_out(parts: Sequence[Part], answers: Sequence[Response | None], post: Response) -> bool:
    """To each its own; those that were skipped ask for admission again, but for the first, which depended on none.
    Whether all were carried out."""
    sound = True
    for place, ((_, waiting), answer) in enumerate(zip(parts, answers, strict=True)):
        sound = sound and answer is not None and answer.status < 400
        if waiting.done():
            continue
        if answer is None:
            waiting.set_exception(Alone("no answer", doubtful=True))
        elif answer.status == SKIPPED:
            waiting.set_exception(Readmit() if place else _plain())
        else:
            waiting.set_result(with_ids(answer, post))
    return sound


def _fail(parts: Sequence[Part], error: TransportError) -> None:
    """The post had no answer; if it was not sent, no link was."""
    if isinstance(error, Unreachable):
        _tell(parts, "no connection", doubtful=False)
    else:
        _doubt(parts, "no answer")


def _doubt(parts: Sequence[Part], said: str) -> None:
    _tell(parts, said, doubtful=True)


def _tell(parts: Sequence[Part], said: str, *, doubtful: bool) -> None:
    """All go plain. That the post failed is told once: it was one failure."""
    for _, answer in _open(parts):
        answer.set_exception(Alone(said, doubtful=doubtful))
        said = ""


def _end(parts: Sequence[Part], error: Callable[[], Exception]) -> None:
    for _, answer in _open(parts):
        answer.set_exception(error())


def _open(parts: Sequence[Part]) -> Iterator[Part]:
    """Those that were not cancelled."""
    return (part for part in parts if not part[1].done())


def _plain() -> Alone:
    """For a link that was not carried out, and goes plain now."""
    return Alone("", doubtful=False)


@asynccontextmanager
async def chaining(inner: Transport, *, held: Callable[[str], bool], pause: Pause) -> AsyncIterator[Chaining]:
    """Posts run in a task group of their own, and end with it. `held` says whether a fence is up for a mailbox; the
    `pause` is shared with others that post."""
    async with asyncio.TaskGroup() as posts:
        chained = Chaining(inner, posts, held=held, pause=pause)
        try:
            yield chained
        finally:
            chained.abandon()
