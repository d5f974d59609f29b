"""Gathers admitted requests into `$batch` posts and hands each part its own answer. Decides nothing about limits or
retries.

A post leaves when it is full or when its oldest part has lingered long enough. As many posts are under way as there are
admitted parts. A part that may not leave any more when its post does (its fence rose meanwhile) is recalled, and asks
the limiter again. The answer to a whole post, when it is an error, is the answer to each of its parts; a post that is
refused as too large or malformed is halved until the part that is to blame stands alone, and that one goes plain.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from bulkmail.core.batch import BatchRejected, Recalled, Size, pack, unpack
from bulkmail.errors import OutcomeUnknown
from bulkmail.model import Effect, Request, Response, Transport

LINGER = 0.02
"""Seconds that a part waits for company: a tenth of a usual answer, and enough to fill a batch at 1,000 requests a
second."""

WHOLE = {"x-ms-throttle-scope": "Batch"}
"""Marks a refusal of a whole post, which concerns the application, whatever its parts were."""


class Part:
    """A request that waits for its answer."""

    __slots__ = ("answer", "request")

    def __init__(self, request: Request, answer: asyncio.Future[Response]) -> None:
        self.request = request
        self.answer = answer


class Batching:
    """Open it with `batching()`, which waits for all posts at its end."""

    def __init__(
        self, inner: Transport, posts: asyncio.TaskGroup, *, size: int, linger: float, held: Callable[[str], bool]
    ) -> None:
        self._inner = inner
        self._posts = posts
        self._linger = linger
        self._held = held
        self._waiting: list[Part] = []
        self._timer: asyncio.TimerHandle | None = None
        self.size = Size(size)
        self.posted = 0

    def __repr__(self) -> str:
        return f"<Batching {len(self._waiting)} waiting, {self.posted} posted, {self.size!r}>"

    async def send(self, request: Request, /) -> Response:
        if not request.batchable or isinstance(request.body, bytes):
            return await self._inner.send(request)
        loop = asyncio.get_running_loop()
        part = Part(request, loop.create_future())
        self._waiting.append(part)
        if len(self._waiting) >= int(self.size.now):
            self.flush()
        elif self._timer is None:
            self._timer = loop.call_later(self._linger, self.flush)
        return await part.answer

    def flush(self) -> None:
        """Everything that waits leaves now."""
        self._stop_timer()
        waiting, self._waiting = self._waiting, []
        self._launch(waiting)

    def abandon(self) -> None:
        """Nothing that waits will leave."""
        self._stop_timer()
        for part in self._waiting:
            part.answer.cancel()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _launch(self, parts: Sequence[Part]) -> None:
        """As many posts as it takes, at the same time, less the parts that may not leave now."""
        leaving = []
        for part in parts:
            if part.answer.done():
                continue  # cancelled while it waited
            if self._held(part.request.mailbox):
                part.answer.set_exception(Recalled())
            else:
                leaving.append(part)
        while leaving:
            body, count = pack([part.request for part in leaving])
            self._posts.create_task(self._post(leaving[:count], body))
            leaving = leaving[count:]

    async def _post(self, parts: Sequence[Part], body: bytes) -> None:
        self.posted += 1
        post = Request(
            "POST", "/$batch", headers={"Content-Type": "application/json"}, body=body, effect=Effect.NONE,
            fresh=any(part.request.fresh for part in parts),
        )  # fmt: skip
        try:
            answer = await self._inner.send(post)
            if answer.status in (400, 413):
                await self._split(parts)
            elif answer.status in (200, 424):
                self._hand_out(parts, unpack(answer.body, len(parts)))
            else:
                whole = answer._replace(headers={**answer.headers, **WHOLE}) if answer.status == 429 else answer
                self._hand_out(parts, [whole] * len(parts))
        except BatchRejected as error:
            self._fail(parts, OutcomeUnknown(str(error)))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer to each of the parts
            self._fail(parts, error)
        except BaseException:
            for part in parts:
                part.answer.cancel()
            raise

    async def _split(self, parts: Sequence[Part]) -> None:
        """None of a malformed or oversized batch was worked on."""
        if len(parts) == 1:
            self._hand_out(parts, [await self._inner.send(parts[0].request)])
            return
        half = len(parts) // 2
        self._launch(parts[:half])
        self._launch(parts[half:])

    def _hand_out(self, parts: Sequence[Part], answers: Sequence[Response | None]) -> None:
        refused = 0
        for part, answer in zip(parts, answers, strict=True):
            if part.answer.done():
                continue
            if answer is None:
                part.answer.set_exception(OutcomeUnknown("the answer of a batch lacks this part"))
                continue
            refused += answer.status == 429
            part.answer.set_result(answer)
        self.size.answered(refused)

    @staticmethod
    def _fail(parts: Sequence[Part], error: Exception) -> None:
        for part in parts:
            if not part.answer.done():
                part.answer.set_exception(error)


@asynccontextmanager
async def batching(
    inner: Transport, *, size: int, held: Callable[[str], bool], linger: float = LINGER
) -> AsyncIterator[Batching]:
    """Posts run in a task group of their own, and end with it."""
    async with asyncio.TaskGroup() as posts:
        gathered = Batching(inner, posts, size=size, linger=linger, held=held)
        try:
            yield gathered
            gathered.flush()
        finally:
            gathered.abandon()
