"""When a token is asked for and when not. The directory, the clock and the waiting are the test's own."""

import asyncio
import gc
import threading
from collections import deque
from collections.abc import Coroutine
from typing import Any

import pytest

from bulkmail.errors import SignInError
from bulkmail.identity.credential import LONGEST_WAIT, PAUSE, RENEW_AT, RULES, Credential
from bulkmail.identity.entra import Grant
from bulkmail.identity.refusal import Failure

DOWN = Failure(SignInError("down"), transient=True)
GONE = Failure(SignInError("disabled", code="AADSTS7000112"))


class Bench:
    """A credential whose directory gives `answers` in order, then `t1`, `t2` … for an hour; time stands still."""

    def __init__(self, *answers: Grant | Failure) -> None:
        self.now = 1000.0
        self.answers = deque(answers)
        self.asked: list[str] = []
        self.slept: list[float] = []
        self.open = threading.Event()
        self.open.set()
        self._arrivals = threading.Semaphore(0)
        self._met = 0
        self.credential = Credential(self._ask, clock=lambda: self.now, sleep=self._sleep, dice=lambda: 1.0)

    def _ask(self, claims: str) -> Grant | Failure:
        self.asked.append(claims)
        self._arrivals.release()
        number = len(self.asked)
        assert self.open.wait(60)
        return self.answers.popleft() if self.answers else Grant(f"t{number}", 3600)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def met(self, times: int) -> None:
        """Returns once the directory has been asked so often."""
        while self._met < times:
            assert await asyncio.to_thread(self._arrivals.acquire, timeout=60)
            self._met += 1

    async def token(self, refused: str = "", claims: str = "") -> str:
        return await self.credential.token(refused=refused, claims=claims)


async def renewal_under_way() -> tuple[Bench, "asyncio.Task[str]"]:
    """One that is answered when the bench opens."""
    bench = Bench()
    await bench.token()
    bench.now += 3000
    bench.open.clear()
    renewing = asyncio.create_task(bench.token())
    await bench.met(2)
    return bench, renewing


async def all_of(*coroutines: Coroutine[Any, Any, str]) -> list[str]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(coroutine) for coroutine in coroutines]
    return [task.result() for task in tasks]


def test_two_hundred_callers_ask_once() -> None:
    async def main() -> None:
        bench = Bench()
        bench.open.clear()

        async def opened() -> str:
            await bench.met(1)
            bench.open.set()
            return "t1"

        assert set(await all_of(*(bench.token() for _ in range(200)), opened())) == {"t1"}
        assert len(bench.asked) == 1
        assert await bench.token() == "t1"
        assert len(bench.asked) == 1

    asyncio.run(main())


def test_callers_who_wait_share_a_failure() -> None:
    async def main() -> None:
        bench = Bench(GONE)
        tasks = [asyncio.create_task(bench.token()) for _ in range(50)]
        await asyncio.wait(tasks)
        assert {str(task.exception()) for task in tasks} == {"disabled"}
        assert len(bench.asked) == 1
        assert await bench.token() == "t2"

    asyncio.run(main())


@pytest.mark.parametrize("life", [3, 600, 3600, 86400])
def test_it_is_renewed_ahead_in_proportion_to_its_life(life: int) -> None:
    async def main() -> None:
        bench = Bench(Grant("old", life))
        await bench.token()
        bench.now = 1000 + life * RENEW_AT - 0.01
        assert await bench.token() == "old"
        bench.now = 1000 + life * RENEW_AT
        assert await bench.token() == "t2"

    asyncio.run(main())


def test_one_renews_and_the_others_go_on_with_the_old_one() -> None:
    async def main() -> None:
        bench, renewing = await renewal_under_way()
        assert await all_of(*(bench.token() for _ in range(20))) == ["t1"] * 20
        bench.open.set()
        assert await renewing == "t2"
        assert len(bench.asked) == 2

    asyncio.run(main())


def test_nobody_goes_on_with_a_token_that_expired_during_its_renewal() -> None:
    async def main() -> None:
        bench, renewing = await renewal_under_way()
        bench.now += 601
        late = asyncio.create_task(bench.token())
        await asyncio.sleep(0)
        bench.open.set()
        assert [await renewing, await late] == ["t2", "t2"]

    asyncio.run(main())


@pytest.mark.parametrize("failure", [DOWN, GONE])
def test_a_failed_renewal_keeps_the_old_token_and_tries_again_after_a_pause(failure: Failure) -> None:
    async def main() -> None:
        bench = Bench(Grant("old", 3600), failure, failure)
        await bench.token()
        bench.now += 3000
        assert await bench.token() == "old"
        bench.now += PAUSE - 1
        assert await bench.token() == "old"
        assert len(bench.asked) == 2
        bench.now += 1
        assert await bench.token() == "old"
        assert len(bench.asked) == 3
        bench.now += PAUSE
        assert await bench.token() == "t4"
        assert bench.slept == []

    asyncio.run(main())


def test_a_directory_that_is_down_for_ten_minutes_is_not_noticed() -> None:
    async def main() -> None:
        bench = Bench(Grant("old", 3600), *[DOWN] * 20)
        await bench.token()
        for second in range(int(3600 * RENEW_AT), int(3600 * RENEW_AT) + 600):
            bench.now = 1000.0 + second
            assert await bench.token() == "old"
        bench.now += PAUSE
        assert await bench.token() == "t22"

    asyncio.run(main())


def test_a_refused_token_is_not_given_again() -> None:
    async def main() -> None:
        bench = Bench()
        assert await bench.token() == "t1"
        assert await all_of(*(bench.token("t1") for _ in range(30))) == ["t2"] * 30
        assert await bench.token("t1", '{"old": {}}') == "t2"
        assert bench.asked == ["", ""]

    asyncio.run(main())


def test_a_directory_that_gives_the_refused_token_again_is_asked_again() -> None:
    async def main() -> None:
        bench = Bench(Grant("same", 3600), Grant("same", 3600), Grant("same", 3600))
        assert await bench.token() == "same"
        assert await bench.token("same") == "t4"
        stuck = Bench(*[Grant("same", 3600)] * 20)
        await stuck.token()
        with pytest.raises(SignInError, match="gives again"):
            await stuck.token("same")
        assert len(stuck.asked) == 1 + RULES.attempts

    asyncio.run(main())


def test_a_refusal_while_a_renewal_is_under_way_rejects_the_old_token() -> None:
    async def main() -> None:
        bench, renewing = await renewal_under_way()
        refused = asyncio.create_task(bench.token("t1"))
        await asyncio.sleep(0)
        bench.open.set()
        assert await refused == await renewing == "t2"

    asyncio.run(main())


def test_claims_go_to_the_directory_once() -> None:
    async def main() -> None:
        bench = Bench()
        await bench.token()
        assert await bench.token("t1", '{"access_token": {}}') == "t2"
        assert await bench.token("t2") == "t3"
        assert bench.asked == ["", '{"access_token": {}}', ""]

    asyncio.run(main())


def test_claims_that_come_while_asking_are_asked_for_as_well() -> None:
    async def main() -> None:
        bench = Bench()
        await bench.token()
        bench.open.clear()
        first = asyncio.create_task(bench.token("t1"))
        await bench.met(2)
        second = asyncio.create_task(bench.token("t1", '{"access_token": {}}'))
        await asyncio.sleep(0)
        bench.open.set()
        assert [await first, await second] == ["t3", "t3"]
        assert bench.asked == ["", "", '{"access_token": {}}']

    asyncio.run(main())


@pytest.mark.parametrize("claims", ["nonsense", "[]", "7", "[" * 100_000])
def test_claims_that_are_no_object_are_ignored(claims: str) -> None:
    async def main() -> None:
        bench = Bench()
        await bench.token()
        assert await bench.token("t1", claims) == "t2"
        assert bench.asked == ["", ""]

    asyncio.run(main())


def test_transient_failures_are_repeated_with_growing_waits_and_an_end() -> None:
    async def main() -> None:
        bench = Bench(DOWN, DOWN, DOWN)
        assert await bench.token() == "t4"
        assert bench.slept == [2.0, 4.0, 8.0]
        hopeless = Bench(*[DOWN] * 50)
        with pytest.raises(SignInError, match="down"):
            await hopeless.token()
        assert len(hopeless.asked) == RULES.attempts

    asyncio.run(main())


def test_what_the_directory_asks_to_wait_is_waited() -> None:
    async def main() -> None:
        bench = Bench(Failure(SignInError("busy"), transient=True, after=61.5))
        assert await bench.token() == "t2"
        assert bench.slept == [61.5]
        closed = Bench(Failure(SignInError("busy"), transient=True, after=LONGEST_WAIT + 1))
        with pytest.raises(SignInError, match="busy"):
            await closed.token()
        assert closed.slept == []

    asyncio.run(main())


def test_a_permanent_failure_is_raised_at_once() -> None:
    async def main() -> None:
        bench = Bench(GONE)
        with pytest.raises(SignInError) as caught:
            await bench.token()
        assert caught.value.code == "AADSTS7000112"
        assert len(bench.asked) == 1

    asyncio.run(main())


def test_the_request_outlives_the_caller_that_began_it() -> None:
    async def main() -> None:
        bench = Bench()
        bench.open.clear()
        first = asyncio.create_task(bench.token())
        await bench.met(1)
        second = asyncio.create_task(bench.token())
        await asyncio.sleep(0)
        first.cancel()
        bench.open.set()
        assert await second == "t1"
        assert first.cancelled()
        assert len(bench.asked) == 1

    asyncio.run(main())


def test_a_failure_that_nobody_waits_for_any_more_is_silent() -> None:
    complaints: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        bench = Bench(GONE)
        bench.open.clear()
        only = asyncio.create_task(bench.token())
        await bench.met(1)
        renewal = bench.credential._renewal
        assert renewal is not None
        only.cancel()
        bench.open.set()
        await asyncio.wait([only, renewal])
        del renewal
        gc.collect()
        assert await bench.token() == "t2"

    asyncio.run(main())
    assert complaints == []


def test_it_serves_one_loop_after_another() -> None:
    bench = Bench()
    assert asyncio.run(bench.token()) == "t1"
    assert asyncio.run(bench.token("t1")) == "t2"
