"""An outage fails no mailbox: the run waits for its end with a few requests, and goes on at the pace of before."""

import asyncio
import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from bulkmail.core.retry import RetryRules
from bulkmail.errors import OutcomeUnknown, ServiceDown, TransportError, Unreachable
from bulkmail.model import Effect, Event, Request, Response, Transport
from bulkmail.testing import Tokens, run
from bulkmail.transport import StackSettings, stack
from tests.transport.rig import OK, Unbatching, get, throttled, together, unheard

LATENCY, BEGINS, WORKERS = 0.15, 8.0, 100
HOUR = 3600.0

ENDS: dict[str, Callable[[], Response]] = {
    "503": lambda: Response(503),
    "503 with a time": lambda: Response(503, {"retry-after": "10"}),
    "504": lambda: Response(504),
    "refused": lambda: _raised(Unreachable("no connection")),
    "reset": lambda: _raised(OutcomeUnknown("reset")),
}


def _raised(error: Exception) -> Response:
    raise error


@dataclass
class Service:
    """Answers in LATENCY seconds, but for an outage; keeps when requests came and when good answers left."""

    end: Callable[[], Response]
    lasts: float
    whole_posts: bool = False  # a `$batch` fails as a whole
    came: list[float] = field(default_factory=list)
    good: Counter[int] = field(default_factory=Counter)

    def is_down(self) -> bool:
        return BEGINS <= asyncio.get_running_loop().time() < BEGINS + self.lasts

    async def answer(self, _request: Request) -> Response:
        now = asyncio.get_running_loop().time
        self.came.append(now())
        await asyncio.sleep(LATENCY)
        if self.is_down() and not self.whole_posts:
            return self.end()
        self.good[int(now())] += 1
        return OK

    async def send(self, request: Request, /) -> Response:
        if self.whole_posts and self.is_down() and request.path == "/$batch":
            self.came.append(asyncio.get_running_loop().time())
            await asyncio.sleep(LATENCY)
            return self.end()
        return await Unbatching(self.answer).send(request)

    def recovered(self) -> float:
        """When the first good answer after the outage left; infinite before."""
        return min((second for second in self.good if second >= BEGINS + self.lasts), default=math.inf)

    def during(self) -> int:
        """Requests that came in the outage, after those that were under way when it began."""
        return sum(BEGINS + LATENCY < at < BEGINS + self.lasts for at in self.came)


async def ends_of(
    service: Transport,
    settings: StackSettings,
    until: Callable[[], float],
    events: list[Event] | None = None,
    effect: Effect = Effect.READ,
) -> Counter[str]:
    """How requests to ever new mailboxes end, WORKERS at a time, for as long as the clock is before `until()`."""
    ends: Counter[str] = Counter()
    report = unheard if events is None else events.append
    numbers = iter(range(10**9))
    async with stack(service, Tokens(), settings, report) as whole:
        clock = asyncio.get_running_loop().time

        async def work() -> None:
            while clock() < until():
                key = f"m{next(numbers)}"
                whole.lanes.enter(key)
                try:
                    asked = get(f"/users/{key}/x", key)._replace(effect=effect)
                    ends[str((await whole.transport.send(asked)).status)] += 1
                except ServiceDown:
                    ends["not_run"] += 1
                    return
                except TransportError as error:
                    ends[type(error).__name__] += 1
                finally:
                    whole.lanes.leave(key)

        await together(*(work() for _ in range(WORKERS)))
    return ends


@pytest.mark.parametrize(
    ("end", "batch"), [("503", 0), ("503", 20), ("503 with a time", 0), ("504", 20), ("refused", 0), ("reset", 20)]
)
@pytest.mark.parametrize(("lasts", "probes"), [(30.0, 6), (600.0, 18), (2 * HOUR, 130)])
def test_an_outage_fails_no_mailbox_and_is_waited_out_with_a_few_requests(
    lasts: float, probes: int, end: str, batch: int
) -> None:
    service = Service(ENDS[end], lasts)
    over = BEGINS + lasts
    ends = run(ends_of(service, StackSettings(batch=batch, max_wait=3 * HOUR), lambda: service.recovered() + 7))
    assert set(ends) == {"200"}
    assert service.during() <= 40 + probes
    assert service.recovered() <= over + 70
    assert service.good[int(service.recovered()) + 3] >= 0.9 * service.good[int(BEGINS) - 2], "at the pace of before"


@pytest.mark.parametrize("end", ["503", "reset", "refused"])
def test_what_must_not_be_repeated_is_no_probe(end: str) -> None:
    """Only what was under way until the outage was noticed is in doubt, however long it lasts: harmless reads probe."""
    service = Service(ENDS[end], 2 * HOUR)
    settings = StackSettings(max_wait=3 * HOUR)
    ends = run(ends_of(service, settings, lambda: service.recovered() + 7, effect=Effect.NONE))
    doubtful = sum(number for how, number in ends.items() if how != "200")
    assert doubtful <= 1.2 * WORKERS
    assert ends["200"] > 10 * WORKERS
    assert service.during() <= 40 + 130


@pytest.mark.parametrize("batch", [0, 20])
def test_past_the_longest_wait_all_end_as_not_run(batch: int) -> None:
    async def main() -> Counter[str]:
        ends = await ends_of(service, StackSettings(batch=batch, max_wait=600.0), lambda: HOUR)
        assert asyncio.get_running_loop().time() == pytest.approx(BEGINS + 600, abs=5)
        return ends

    service = Service(ENDS["503"], math.inf)
    ends = run(main())
    assert set(ends) == {"200", "not_run"}
    assert ends["not_run"] == WORKERS, "all that had begun"


def test_a_post_that_fails_as_a_whole_is_one_failure() -> None:
    service = Service(ENDS["503"], 30.0, whole_posts=True)
    ends = run(ends_of(service, StackSettings(batch=20), lambda: BEGINS + 12))
    assert set(ends) == {"200"}
    assert service.good[int(BEGINS) + 5] > 100, "plain requests get through meanwhile"


@pytest.mark.parametrize("batch", [0, 20])
@pytest.mark.parametrize("share", [0.02, 0.2])
def test_noise_fails_no_mailbox(share: float, batch: int) -> None:
    dice = random.Random(7)
    service = Service(ENDS["503"], 0.0)

    async def noisy(request: Request) -> Response:
        answer = await service.answer(request)
        return Response(503) if dice.random() < share else answer

    class Noisy:
        send = staticmethod(Unbatching(noisy).send)

    events: list[Event] = []
    ends = run(ends_of(Noisy(), StackSettings(batch=batch), lambda: 30.0, events))
    assert set(ends) == {"200"}
    assert ends["200"] > 1_500
    assert [event for event in events if event.kind == "paused"] == [], "and is not taken for an outage"


def test_an_outage_is_told_while_it_lasts() -> None:
    async def main() -> None:
        events: list[Event] = []
        service = Service(ENDS["503"], 60.0)
        async with stack(service, Tokens(), StackSettings(), events.append) as whole:
            await asyncio.sleep(BEGINS)
            asked = [asyncio.create_task(whole.transport.send(get(mailbox=f"m{number}"))) for number in range(50)]
            await asyncio.sleep(5)
            [wait] = whole.waits()
            assert wait.mailbox == ""
            assert wait.by == "Graph does not answer (503) for 5 s"
            assert 0 < wait.seconds <= 4
            await asyncio.wait(asked)
            assert whole.waits() == []
        paused = [event for event in events if event.kind == "paused"]
        assert {event.text for event in paused} == {"Graph does not answer (503)"}
        assert [event.seconds for event in paused[:5]] == pytest.approx([1, 2, 4, 8, 16], rel=0.1)

    run(main())


def test_mailboxes_that_fail_while_others_are_served_are_no_outage() -> None:
    """Three of them are the last of a list, and fail one after another for half a minute."""

    async def main() -> None:
        async def answer(request: Request) -> Response:
            await asyncio.sleep(LATENCY)
            return Response(500) if request.mailbox.startswith("broken") else OK

        async with stack(Unbatching(answer), Tokens(), StackSettings(), unheard) as whole:

            async def others() -> None:
                for number in range(100):
                    await whole.transport.send(get(mailbox=f"m{number}"))

            beside = asyncio.create_task(others())
            broken = [whole.transport.send(get(mailbox=f"broken-{number}")) for number in range(10)]
            assert [end.status for end in await together(*broken)] == [500] * 10
            await beside
        assert asyncio.get_running_loop().time() < 120

    run(main())


def test_a_bad_part_holds_up_the_others_of_its_batch_once() -> None:
    async def main() -> None:
        async def answer(request: Request) -> Response:
            await asyncio.sleep(LATENCY)
            posts.append("bad" if b"broken" in (request.body or b"") else request.path)
            if request.path != "/$batch":
                return Response(504) if "broken" in request.path else OK
            return Response(504) if b"broken" in request.body else await well.send(request)

        async def echo(_request: Request) -> Response:
            return OK

        posts: list[str] = []
        well = Unbatching(echo)
        async with stack(_Asked(answer), Tokens(), StackSettings(batch=20), unheard) as whole:
            keys = [f"m{number}" for number in range(19)]
            calls = [whole.transport.send(get(f"/users/{key}/x", key)) for key in (*keys, "broken")]
            *ends, broken = await together(*calls)
            assert {end.status for end in ends} == {200}
            assert broken.status == 504
        assert posts.count("bad") == 1
        assert posts.count("/users/broken/x") == 6, "the batch cost it no attempt"
        assert all(posts.count(f"/users/{key}/x") <= 1 for key in keys)

    run(main())


class _Asked:
    def __init__(self, answer: Callable[[Request], object]) -> None:
        self._answer = answer

    async def send(self, request: Request, /) -> Response:
        return await self._answer(request)  # type: ignore[misc,no-any-return]


def test_a_service_that_throttles_all_is_not_down() -> None:
    async def main() -> None:
        answers = iter([throttled(1)] * 200)
        service = Unbatching(_Asked(lambda _request: _given(next(answers, OK))).send)
        async with stack(service, Tokens(), StackSettings(), unheard) as whole:
            await together(*(whole.transport.send(get(mailbox=f"m{number}")) for number in range(50)))

    run(main())


async def _given(answer: Response) -> Response:
    return answer


@pytest.mark.parametrize(
    ("method", "plain", "end"),
    [
        ("DELETE", Response(404, body={"error": {"code": "ErrorItemNotFound"}}), 204),
        ("PATCH", Unreachable("no connection"), "OutcomeUnknown"),
        ("PATCH", Response(412), 412),
    ],
)
def test_what_a_batch_that_failed_may_have_done_is_not_forgotten(
    method: str, plain: Response | Exception, end: int | str
) -> None:
    async def main() -> None:
        async def answer(request: Request) -> Response:
            if request.path == "/$batch":
                return Response(504)
            return plain if isinstance(plain, Response) else _raised(plain)

        chosen = StackSettings(batch=20, retries=RetryRules(attempts=1))
        async with stack(_Asked(answer), Tokens(), chosen, unheard) as whole:
            request = Request(method, "/users/ada/x", "ada", body={}, effect=Effect.IDEMPOTENT)
            asked = asyncio.create_task(whole.transport.send(request))
            await asyncio.wait([asked])
            error = asked.exception()
            assert (type(error).__name__ if error else asked.result().status) == end
            assert error or asked.result().doubtful is (end == 412)

    run(main())
