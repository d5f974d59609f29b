"""How many requests of a mailbox may be in flight changes while they wait: nothing exceeds it, and nothing is left."""

import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.slots.lane import SLOTS, Slots
from bulkmail.model import Request, Response
from bulkmail.testing import Scripted, run
from tests.transport.rig import OK, assert_nothing_held, get, limiting, together


@given(
    shares=st.lists(st.tuples(st.integers(1, 4), st.sampled_from((0.5, 1.0, 2.5))), max_size=8),
    requests=st.lists(st.sampled_from(("ada", "alan", "")), min_size=1, max_size=40),
)
def test_no_mailbox_exceeds_its_share_and_all_are_answered(
    shares: list[tuple[int, float]], requests: list[str]
) -> None:
    flying: Counter[str] = Counter()
    slots = Slots()

    async def answer(request: Request) -> Response:
        flying[request.mailbox] += 1
        assert not request.mailbox or flying[request.mailbox] <= SLOTS
        await asyncio.sleep(1)
        flying[request.mailbox] -= 1
        return OK

    async def main() -> None:
        limiter = limiting(Scripted(answer), slots=slots)

        async def change() -> None:
            for share, seconds in shares:
                before = slots.slots
                await asyncio.sleep(seconds)
                if seconds > 1:  # what was in flight when there were more has been answered
                    assert slots.most_in_flight() <= before
                limiter.share(share)
                assert slots.most_in_flight() <= SLOTS

        changing = asyncio.create_task(change())
        answers = await together(*(limiter.send(get(f"/{mailbox}/x", mailbox)) for mailbox in requests))
        assert answers == [OK] * len(requests)
        await changing
        assert_nothing_held(limiter)

    run(main())


def test_more_slots_let_go_what_waits_at_once() -> None:
    sent: list[float] = []

    async def answer(_request: Request) -> Response:
        sent.append(asyncio.get_running_loop().time())
        await asyncio.sleep(10)
        return OK

    async def main() -> None:
        limiter = limiting(Scripted(answer), slots=Slots(1))
        asyncio.get_running_loop().call_later(1, limiter.share, 4)
        await together(*(limiter.send(get()) for _ in range(5)))

    run(main())
    assert [round(at) for at in sent] == [0, 1, 1, 1, 10]
