"""Gathers admitted requests into `$batch` posts and hands each part its own answer. Decides nothing about limits or
retries.

A post leaves when it is full or when its oldest part has lingered long enough, and at once where no other is under way:
then nothing is won by waiting (as in Nagle's algorithm, RFC 896). As many posts are under way as there are
admitted parts. A part that may not leave any more when its post does (its fence rose meanwhile) is recalled, and asks
the limiter again. What becomes of a whole post is the table WHOLE: a post that is refused for what is in it is halved
until the part that is to blame stands alone, and that one goes plain.

A post that fails as a whole says nothing about its parts: those that may be sent again go alone at once, and it costs
them no attempt. While the service asks for a pause of its batches, all requests go plain.

A post is answered when its slowest part is. So the mailboxes of a post that took far too long go plain until they
answer in time: one that hangs then holds up only itself.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from bulkmail.core.batch import Alone, BatchRejected, Pause, Readmit, Size, pack, stayed, unpack
from bulkmail.core.odata import ids_of
from bulkmail.core.post import Fate, fate, with_ids, with_scope
from bulkmail.core.retry import REPEATABLE
from bulkmail.errors import NOT_SENT, OutcomeUnknown, TransportError, Unreachable
from bulkmail.model import Effect, Request, Response, Transport

LINGER = 0.02
"""Seconds that a part waits for company: a tenth of a usual answer, and enough to fill a batch at 1,000 requests a
second."""

OVERDUE, PATIENCE = 5.0, 5.0
"""A post takes too long when it takes so many times as long as they usually do, and so many seconds at least."""

SUSPECTS = 4096
"""Mailboxes that are kept apart at most; with more of them it is not the mailboxes."""

Part: TypeAlias = tuple[Request, asyncio.Future[Response]]
"""A request, and where its answer is waited for."""


@dataclass(frozen=True, slots=True)
class BatchStatistics:
    """A snapshot: the parts that wait for their post, the posts so far, the most parts of one, and the mailboxes that
    go plain."""

    waiting: int
    posted: int
    size: int
    apart: frozenset[str]


class Batching:
    """Open it with `batching()`, which waits for all posts at its end."""

    def __init__(
        self,
        inner: Transport,
        posts: asyncio.TaskGroup,
        *,
        size: int,
        linger: float,
        held: Callable[[str], bool],
        fenced: Callable[[], bool],
        suspects: int,
        pause: Pause,
    ) -> None:
        self._inner = inner
        self._posts = posts
        self._linger = linger
        self._held = held
        self._fenced = fenced
        self._suspects = suspects
        self._pause = pause
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Part] = []
        self._timer: asyncio.TimerHandle | None = None
        self._usual = 0.0  # seconds that a post takes, a running mean
        self._apart: set[str] = set()  # mailboxes that go plain
        self._size = Size(size)
        self._posted = 0
        self._under_way = 0  # posts that have no answer yet, or whose parts are still being sent

    def __repr__(self) -> str:
        return f"<Batching {len(self._waiting)} waiting, {self._posted} posted, {self._size!r}>"

    def statistics(self) -> BatchStatistics:
        return BatchStatistics(len(self._waiting), self._posted, int(self._size.now), frozenset(self._apart))

    async def send(self, request: Request, /) -> Response:
        if not request.batchable or type(request.body) is bytes:
            return await self._inner.send(request)
        if self._pause.until and self._pause.holds(self._loop.time()):
            return await self._inner.send(request)
        if self._apart and request.lane in self._apart:
            return await self._send_apart(request)
        answer: asyncio.Future[Response] = self._loop.create_future()
        part = request, answer
        self._waiting.append(part)
        if len(self._waiting) >= self._size.parts:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(self._linger if self._under_way else 0, self.flush)
        try:
            return await answer
        except asyncio.CancelledError as cancelled:
            if part in self._waiting or (not answer.cancelled() and stayed(answer.exception())):
                cancelled.add_note(NOT_SENT)
            raise

    async def _send_apart(self, request: Request) -> Response:
        begun = self._loop.time()
        try:
            return await self._inner.send(request)
        finally:
            if not self._is_overdue(self._loop.time() - begun):
                self._apart.discard(request.lane)

    def _is_overdue(self, seconds: float) -> bool:
        return seconds > max(PATIENCE, OVERDUE * self._usual)

    def flush(self) -> None:
        """Everything that waits leaves now."""
        self._stop_timer()
        waiting, self._waiting = self._waiting, []
        self._launch(waiting)

    def abandon(self) -> None:
        """Nothing that waits will leave."""
        self._stop_timer()
        for _, answer in self._waiting:
            answer.cancel()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _launch(self, parts: Sequence[Part]) -> None:
        """As many posts as it takes, at the same time, less the parts that may not leave now."""
        leaving, shut, fenced = [], self._pause.holds(self._loop.time()), self._fenced()
        for part in parts:
            request, answer = part
            if answer.done():
                continue  # cancelled while it waited
            if shut or (fenced and self._held(request.lane)):
                answer.set_exception(Readmit())
            else:
                leaving.append(part)
        while leaving:
            try:
                body, count = pack([request for request, _ in leaving])
            except (TypeError, ValueError) as error:  # one of them says what JSON cannot: no other may suffer for it
                self._single_out(leaving, error)
                return
            self._under_way += 1
            self._posts.create_task(self._post(leaving[:count], body))
            leaving = leaving[count:]

    def _single_out(self, parts: Sequence[Part], error: Exception) -> None:
        if len(parts) > 1:
            self._launch_halves(parts)
        else:
            self._fail(parts, error)

    def _launch_halves(self, parts: Sequence[Part]) -> None:
        half = len(parts) // 2
        self._launch(parts[:half])
        self._launch(parts[half:])

    async def _post(self, parts: Sequence[Part], body: bytes) -> None:
        post = Request(
            "POST", "/$batch", headers={"Content-Type": "application/json"}, body=body, effect=Effect.NONE,
            fresh=any(request.fresh for request, _ in parts),
        )  # fmt: skip
        try:
            if self._is_barred(parts):
                self._launch(parts)
                return
            self._posted += 1
            whole = await self._deliver(parts, post)
            become = fate(whole.status)
            if become is Fate.APART:
                self._take_apart(parts, whole)
            elif become is Fate.EACH:
                self._answer_all(parts, whole)
            elif become is Fate.HALVED:
                await self._split(parts)
            else:
                self._pause.asked(whole, datetime.now(UTC).timestamp(), self._loop.time())
                error = OutcomeUnknown(f"a batch was answered with {whole.status}", **ids_of(whole))
                self._send_alone(parts, str(whole.status), error)
        except TransportError as error:
            self._send_alone(parts, "no connection" if isinstance(error, Unreachable) else "no answer", error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer to each of the parts
            self._fail(parts, error)
        except BaseException:
            for _, answer in parts:
                answer.cancel()
            raise
        finally:
            self._under_way -= 1

    def _is_barred(self, parts: Sequence[Part]) -> bool:
        """Whether some may not leave any more: the turn of the loop in which they were launched may have told of it."""
        return self._pause.holds(self._loop.time()) or (
            self._fenced() and any(self._held(request.lane) for request, _ in parts)
        )

    async def _deliver(self, parts: Sequence[Part], post: Request) -> Response:
        """The answer to the whole; looks how long it takes."""
        begun = self._loop.time()
        try:
            return await self._inner.send(post)
        finally:
            seconds = self._loop.time() - begun
            if self._is_overdue(seconds):
                if len(self._apart) > self._suspects:
                    self._apart.clear()
                self._apart.update(request.lane for request, _ in parts)
            self._usual += (seconds - self._usual) / 16

    async def _split(self, parts: Sequence[Part]) -> None:
        """None of them was worked on. One by itself goes plain, unless its fence rose meanwhile."""
        request, _ = parts[0]
        if len(parts) > 1:
            self._launch_halves(parts)
        elif self._held(request.lane):
            self._fail(parts, Readmit())
        else:
            answer = await self._inner.send(request)
            self._hand_out(parts, [answer], answer)

    def _take_apart(self, parts: Sequence[Part], answer: Response) -> None:
        try:
            answers = unpack(answer.body, len(parts))
        except BatchRejected as error:
            self._send_alone(parts, "no answer to a batch", OutcomeUnknown(str(error), **ids_of(answer)))
        else:
            self._size.answered(self._hand_out(parts, answers, answer))

    def _send_alone(self, parts: Sequence[Part], said: str, error: TransportError) -> None:
        """Parts of a post that failed. What may have been carried out, and must not be repeated, ends here."""
        self._size.answered(len(parts))
        for request, answer in parts:
            if answer.done():
                continue
            if isinstance(error, Unreachable) or request.effect in REPEATABLE:
                answer.set_exception(Alone(said, doubtful=not isinstance(error, Unreachable)))
                said = ""  # it is told once: it was one failure
            else:
                answer.set_exception(error)

    def _answer_all(self, parts: Sequence[Part], answer: Response) -> None:
        """A post that was refused may have had too many parts."""
        self._hand_out(parts, [with_scope(answer)] * len(parts), answer)
        if answer.status != 401:
            self._size.answered(len(parts))

    @staticmethod
    def _hand_out(parts: Sequence[Part], answers: Sequence[Response | None], post: Response) -> int:
        """To each its own; an error has the ids of the post where it has none of its own. How many were throttled."""
        refused = 0
        for (request, waiting), answer in zip(parts, answers, strict=True):
            if waiting.done():
                continue
            if answer is None:
                lacking = OutcomeUnknown("the answer of a batch lacks this part", **ids_of(post))
                waiting.set_exception(Alone("no answer", doubtful=True) if request.effect in REPEATABLE else lacking)
                continue
            if answer[0] >= 400:  # its status
                refused += answer.status == 429
                answer = with_ids(answer, post)  # noqa: PLW2901
            waiting.set_result(answer)
        return refused

    @staticmethod
    def _fail(parts: Sequence[Part], error: Exception) -> None:
        for _, answer in parts:
            if not answer.done():
                answer.set_exception(error)


@asynccontextmanager
async def batching(
    inner: Transport,
    *,
    size: int,
    held: Callable[[str], bool],
    fenced: Callable[[], bool] = lambda: True,
    linger: float = LINGER,
    suspects: int = SUSPECTS,
    dice: Callable[[], float] = random.random,
    pause: Pause | None = None,
) -> AsyncIterator[Batching]:
    """Posts run in a task group of their own, and end with it. Whether a part is `held` by a fence is only asked while
    any fence is up. The `pause` may be shared with others that post."""
    pause = pause or Pause(dice)
    async with asyncio.TaskGroup() as posts:
        gathered = Batching(
            inner, posts, size=size, linger=linger, held=held, fenced=fenced, suspects=suspects, pause=pause
        )
        try:
            yield gathered
            gathered.flush()
        finally:
            gathered.abandon()
