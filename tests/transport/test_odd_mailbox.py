"""One mailbox that hangs, or that is refused again and again, costs the others next to nothing."""

import asyncio
from functools import cache

import pytest

from bulkmail.core.retry import RetryRules
from bulkmail.errors import OutcomeUnknown, TransportError
from bulkmail.model import Request, Response
from bulkmail.testing import Tokens, run
from bulkmail.transport import StackSettings, stack
from tests.transport.rig import OK, Unbatching, get, throttled, together, unheard

OTHERS, EACH = 1000, 10

ODD: dict[str, tuple[float, Response | Exception]] = {
    "hangs": (300.0, OutcomeUnknown("stalled")),
    "slow": (60.0, OK),
    "saturated": (0.01, throttled(1)),
    "saturated without a time": (0.01, throttled(None)),
    "moving": (0.05, throttled(2, "MailboxInfoStale", status=503)),
    "failing": (0.01, Response(500)),
}


@cache
def seconds_of_the_others(odd: str, batch: int) -> float:
    """Until a thousand mailboxes have had ten answers each, beside one that is odd and is asked for just as often."""

    async def answer(request: Request) -> Response:
        seconds, end = ODD[odd] if request.mailbox == "odd" else (0.15, OK)
        await asyncio.sleep(seconds)
        if isinstance(end, Exception):
            raise end
        return end

    async def main() -> float:
        chosen = StackSettings(batch=batch, max_wait=600, retries=RetryRules(seconds=600))
        async with stack(Unbatching(answer), Tokens(), chosen, unheard) as whole:

            async def work(mailbox: str) -> None:
                for number in range(EACH):
                    await whole.transport.send(get(f"/users/{mailbox}/{number}", mailbox))

            async def burden() -> None:
                while odd:
                    try:
                        await together(*(work("odd") for _ in range(8)))
                    except TransportError:
                        await asyncio.sleep(1)

            beside = asyncio.create_task(burden())
            started = asyncio.get_running_loop().time()
            await together(*(work(f"m{number}") for number in range(OTHERS)))
            ended = asyncio.get_running_loop().time() - started
            beside.cancel()
            await asyncio.wait([beside])
        return ended

    return run(main())


@pytest.mark.parametrize("odd", ODD)
def test_one_odd_mailbox_slows_a_thousand_others_by_less_than_a_twentieth(odd: str) -> None:
    assert seconds_of_the_others(odd, 0) < 1.05 * seconds_of_the_others("", 0)


@pytest.mark.parametrize("odd", ODD)
def test_in_batches_it_costs_them_one_of_its_waits_besides(odd: str) -> None:
    """A post is answered when its slowest part is; after that the mailbox is known, and goes plain."""
    wait = ODD[odd][0] if ODD[odd][0] > 1 else 0.0
    assert seconds_of_the_others(odd, 20) < 1.05 * seconds_of_the_others("", 20) + wait
