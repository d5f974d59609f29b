"""A fixed rate, and the call for more work: how the limiter is kept full and never over what was asked for."""

import asyncio

import pytest

from bulkmail.core.pace.pace import Pace
from bulkmail.model import Request, Response
from bulkmail.testing import Scripted, run
from tests.transport.rig import assert_nothing_held, cancelled, get, limiting, throttled, together


@pytest.mark.parametrize("rate", [2.0, 64.0])
def test_a_fixed_rate_is_kept_from_the_first_second_on(rate: float) -> None:
    async def main() -> None:
        clock = asyncio.get_running_loop().time
        sent: list[float] = []

        def answer(_request: Request) -> Response:
            sent.append(clock())
            return Response(200, body={})

        limiter = limiting(Scripted(answer), rate=rate, pace=Pace(rate=float("inf"), in_flight=10_000))
        await together(*(limiter.send(get(mailbox=str(number))) for number in range(int(3 * rate))))
        for start in (0.0, 0.5, 1.0):
            within = sum(start <= at < start + 1 for at in sent)
            assert within <= rate + max(1.0, rate / 100) + 1
        assert sent[-1] <= 3.1  # and it is used
        assert_nothing_held(limiter)

    run(main())


def test_who_is_cancelled_while_it_waits_for_the_rate_gives_its_slot_back() -> None:
    async def main() -> None:
        limiter = limiting(Scripted(lambda _request: Response(200, body={})), rate=1.0)
        await limiter.send(get())
        waiting = asyncio.create_task(limiter.send(get()))
        await asyncio.sleep(0.1)
        await cancelled(waiting)
        assert_nothing_held(limiter)

    run(main())


def test_a_fence_that_rises_while_the_rate_is_waited_for_is_kept() -> None:
    async def main() -> None:
        clock = asyncio.get_running_loop().time
        answers = iter([throttled(5)])
        sent: list[float] = []

        def answer(_request: Request) -> Response:
            sent.append(clock())
            return next(answers, Response(200, body={}))

        limiter = limiting(Scripted(answer), rate=1.0)
        first, second = await together(limiter.send(get()), limiter.send(get()))
        assert (first.status, second.status) == (429, 200)
        assert sent[1] >= 5

    run(main())


def test_more_work_is_called_for_until_enough_mailboxes_wait_to_begin() -> None:
    async def main() -> None:
        begun: list[asyncio.Task[Response]] = []
        limiter = limiting(Scripted(_slow), pace=Pace(rate=1e6, in_flight=10))

        def wanted() -> None:
            if limiter.room() and len(begun) < 1000:
                begun.append(asyncio.create_task(work(str(len(begun)))))

        async def work(mailbox: str) -> Response:
            asyncio.get_running_loop().call_soon(wanted)  # whoever begins calls for the next
            return await limiter.send(get(mailbox=mailbox))

        limiter.call_for_more(wanted)
        wanted()
        await asyncio.sleep(0.5)
        assert 10 < len(begun) < 100  # ten in flight, and some that wait; not all that there are
        await asyncio.sleep(200)
        assert len(begun) == 1000
        assert all(task.result().status == 200 for task in begun)
        assert_nothing_held(limiter)

    run(main())


def test_mailboxes_behind_their_own_fences_are_no_reason_to_call_for_fewer() -> None:
    async def main() -> None:
        limiter = limiting(Scripted(lambda _request: throttled(1000)))
        fenced = [get(mailbox=f"fenced-{number}") for number in range(100)]
        refused = await together(*(limiter.send(request) for request in fenced))
        assert {answer.status for answer in refused} == {429}
        again = [asyncio.create_task(limiter.send(request)) for request in fenced]
        await asyncio.sleep(1)
        assert limiter.room()
        for task in again:
            await cancelled(task)

    run(main())


async def _slow(_request: Request) -> Response:
    await asyncio.sleep(1.0)
    return Response(200, body={})
