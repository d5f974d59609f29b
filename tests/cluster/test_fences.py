"""What the service asks of one worker, the others keep to: at once, to the same instant, and without an echo."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

from bulkmail.cluster.fences import PATIENCE, Board, Ear, News
from bulkmail.core.pace.pace import Pace
from bulkmail.testing import Scripted, run
from bulkmail.transport.limit import Limiting
from tests.transport.rig import OK, get, limiting, open_pace, post, throttled, together

DELAY = 0.01
"""Seconds of each way between a worker and the coordinator."""


class Calls:
    """A worker's way to the board of its coordinator."""

    def __init__(self, board: Board, worker: int) -> None:
        self._board = board
        self._worker = worker
        self.made = Counter[str]()

    async def call(self, name: str, *arguments: Any) -> Any:
        self.made[name] += 1
        await asyncio.sleep(DELAY)
        try:
            if name == "fence":
                self._board.rise(self._worker, *arguments)
                return None
            return await self._board.after(self._worker, *arguments)
        finally:
            await asyncio.sleep(DELAY)


class Worker:
    """A limiter, with an ear at its coordinator."""

    def __init__(self, board: Board, number: int, limiter: Limiting) -> None:
        self.calls = Calls(board, number)
        self.held: list[tuple[float, str]] = []
        self.limiter = limiter
        self.ear = Ear(self.calls, self._hold)
        limiter.fences.tell(self.ear.note)
        self.tasks = [asyncio.create_task(one) for one in (self.ear.speak(), self.ear.listen())]

    def _hold(self, seconds: float, by: str) -> None:
        self.held.append((seconds, by))
        self.limiter.hold(seconds, by)

    async def leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)


def now() -> float:
    return asyncio.get_running_loop().time()


def test_what_one_is_asked_all_keep_to() -> None:
    async def main() -> None:
        board, answers = Board(now), iter([throttled(60, "TooManyRequests")])
        service = Scripted(lambda _request: next(answers, OK))
        one, other = (Worker(board, number, limiting(service)) for number in (1, 2))
        await asyncio.sleep(1)
        assert (await one.limiter.send(get())).status == 429
        refused = now()
        await asyncio.sleep(3 * DELAY)  # the delay of the fence: one way to the coordinator, one way on
        await together(one.limiter.send(get()), other.limiter.send(get(mailbox="bea")))
        assert now() >= refused + 60
        assert now() < refused + 61.5
        assert len(other.held) == 1
        assert 59 < other.held[0][0] <= 61
        assert one.held == [], "no echo"
        await one.leave()
        await other.leave()

    run(main())


def test_what_one_mailbox_is_asked_is_told_to_nobody_else() -> None:
    async def main() -> None:
        board, answers = Board(now), iter([throttled(60)])
        one = Worker(board, 1, limiting(Scripted(lambda _request: next(answers, OK))))
        assert (await one.limiter.send(get())).status == 429
        await asyncio.sleep(1)
        assert one.calls.made["fence"] == 0
        await one.leave()

    run(main())


def test_many_refusals_at_a_time_are_few_words() -> None:
    async def main() -> None:
        board = Board(now)
        one = Worker(board, 1, limiting(Scripted(lambda _request: OK)))
        for number in range(200):
            one.ear.note(60 + number / 100, "x")
        await asyncio.sleep(1)
        assert one.calls.made["fence"] == 1
        assert (await board.after(2, 0)).seconds > 60.9, "the longest of them"
        await one.leave()

    run(main())


def test_who_comes_late_hears_of_a_fence_that_is_still_up() -> None:
    async def main() -> None:
        board = Board(now)
        board.rise(1, 60.0, "x")
        await asyncio.sleep(20)
        late = Worker(board, 2, limiting(Scripted(lambda _request: OK)))
        await asyncio.sleep(1)
        begun = now()
        await late.limiter.send(get())
        assert 38 < now() - begun <= 39.1
        await late.leave()

    run(main())


def test_without_news_an_answer_comes_all_the_same() -> None:
    async def main() -> None:
        board, begun = Board(now), now()
        assert await board.after(1, 0) == News()
        assert now() - begun >= PATIENCE
        board.rise(1, 5.0, "x")
        await asyncio.sleep(6)
        assert await board.after(2, 0) == News(1, 0.0, "x", begun + PATIENCE + 5.0), "it is open again"

    run(main())


def test_a_shorter_fence_changes_nothing() -> None:
    async def main() -> None:
        board = Board(now)
        board.rise(1, 60.0, "x")
        board.rise(2, 10.0, "y")
        assert await board.after(3, 0) == News(1, 60.0, "x", now() + 60.0)
        limiter = limiting(Scripted(lambda _request: OK))
        limiter.hold(60.0, "x")
        limiter.hold(10.0, "y")
        assert [(wait.seconds, wait.by) for wait in limiter.waits()] == [(60.0, "x")]

    run(main())


def test_those_that_wait_already_are_held_and_too_long_a_wait_is_refused() -> None:
    async def main() -> None:
        limiter = limiting(Scripted(lambda _request: OK), max_wait=30.0)
        limiter.hold(10.0, "x")
        waiting = asyncio.create_task(limiter.send(post()))
        await asyncio.sleep(1)
        limiter.hold(100.0, "x")
        await asyncio.wait([waiting])
        assert "100 s" in str(waiting.exception())

    run(main())


def test_an_instant_does_not_move_while_the_word_is_on_its_way() -> None:
    """Where the clocks are known to each other, a fence opens for all when it opens for the first of them."""

    async def main() -> None:
        board = Board(now)
        board.rise(1, 60.0, "x", now() + 59.0)
        assert (await board.after(2, 0)).seconds == 59.0
        held: list[float] = []
        ear = Ear(Calls(board, 2), lambda seconds, _by: held.append(seconds), lambda instant: instant - 0.25)
        listening = asyncio.create_task(ear.listen())
        await asyncio.sleep(1)
        assert held == [59.0 - 0.25 - 2 * DELAY]
        listening.cancel()
        await asyncio.wait([listening])

    run(main())


def test_a_fence_of_others_teaches_nothing_and_ends_no_request() -> None:
    pace = Pace(in_flight=10_000)
    assert pace.try_send(1.0) == 0.0
    before = pace.statistics()
    pace.fenced(1.1, 11.0)
    assert pace.statistics() == replace(before, fence_until=11.0)
    assert pace.try_send(10.9) >= 11.0
    pace.fenced(1.2, 5.0)
    assert pace.statistics().fence_until == 11.0
    fixed = Pace(rate=100.0, in_flight=10)
    fixed.fenced(5.0, 9.0)
    assert fixed.try_send(8.9) >= 9.0
    fixed.warned(9.0, 1.5)
    assert fixed.statistics().rate == 100.0


def test_the_pace_is_open_again_behind_a_fence_of_others() -> None:
    pace = open_pace()
    pace.fenced(1.0, 2.0)
    assert pace.try_send(1.5) == 2.0
    assert pace.try_send(2.0) == 0.0
