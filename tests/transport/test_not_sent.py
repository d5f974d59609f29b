"""A write that was cancelled while it waited for its turn has begun nothing, and its ledger says so."""

import asyncio

import pytest

from bulkmail.core.batch import Pause, Readmit
from bulkmail.core.pace.pace import Pace
from bulkmail.core.slots.chain import Chain
from bulkmail.core.slots.lane import Slots
from bulkmail.errors import NOT_SENT, OutcomeUnknown, Unreachable
from bulkmail.model import Effect, Ending, Request, Response, Transport
from bulkmail.testing import run
from bulkmail.transport.authorize import Authorizing
from bulkmail.transport.batch import batching
from bulkmail.transport.book import Booking
from bulkmail.transport.chain import chaining
from bulkmail.transport.limit import Limiting
from tests.transport.booked import Noted
from tests.transport.rig import get, post, unheard


class Slow:
    """Answers in a minute."""

    async def send(self, _request: Request, /) -> Response:
        await asyncio.sleep(60)
        return Response(202)


@pytest.mark.parametrize("rate", [None, 0.1])
@pytest.mark.parametrize(
    ("effect", "waited"),
    [
        (Effect.NONE, []),  # not even noted
        (Effect.KEYED, [Ending.UNSENT]),
        (Effect.IDEMPOTENT, [Ending.UNSENT]),
    ],
)
def test_one_leaves_and_the_other_waits(effect: Effect, waited: list[Ending], rate: float | None) -> None:
    async def main() -> list[Ending]:
        ledger = Noted()
        pace = Pace(in_flight=1 if rate is None else 100)
        limiting = Limiting(Slow(), slots=Slots(4), pace=pace, report=unheard, rate=rate)
        booking = Booking(limiting, ledger, unheard)
        requests = [Request("POST", "/x", key, body={}, effect=effect, row=row) for row, key in enumerate("ab")]
        tasks = [asyncio.create_task(booking.send(request)) for request in requests]
        await asyncio.sleep(5)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)
        return ledger.endings

    assert sorted(run(main())) == sorted([Ending.UNKNOWN, *waited])


class NoToken:
    """Takes for ever to give a token."""

    async def token(self, *, refused: str = "", claims: str = "") -> str:
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nobody gives one")


async def endings(inner: Transport) -> list[Ending]:
    """How a write ends that is cancelled after a while."""
    ledger = Noted()
    asked = asyncio.create_task(Booking(inner, ledger, unheard).send(post()._replace(effect=Effect.KEYED)))
    await asyncio.sleep(5)
    asked.cancel()
    await asyncio.wait([asked])
    assert asked.cancelled()
    return ledger.endings


def test_one_waits_for_a_token() -> None:
    assert run(endings(Authorizing(Slow(), NoToken()))) == [Ending.UNSENT]


@pytest.mark.parametrize(("linger", "ending"), [(60.0, Ending.UNSENT), (0.02, Ending.UNKNOWN)])
def test_one_waits_for_company_in_its_batch(linger: float, ending: Ending) -> None:
    async def main() -> list[Ending]:
        async with batching(Slow(), size=5, linger=linger, held=lambda _mailbox: False) as packer:
            before = asyncio.create_task(packer.send(get()))
            await asyncio.sleep(0.01)  # it is under way, so that others wait
            ended = await endings(packer)
            before.cancel()
            return ended

    assert run(main()) == [ending]


class Ends:
    """Ends with an error, in the turn of the loop in which what waits for it is cancelled."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.waits: asyncio.Task[Response] | None = None

    async def send(self, _request: Request, /) -> Response:
        await asyncio.sleep(1)
        if self.waits is not None:
            asyncio.get_running_loop().call_soon(self.waits.cancel)
        raise self._error


@pytest.mark.parametrize(
    ("error", "notes"),
    [(Readmit(), [NOT_SENT]), (Unreachable("no route"), [NOT_SENT]), (OutcomeUnknown("lost"), [])],
    ids=["its fence rose", "no connection", "no answer"],
)
@pytest.mark.parametrize("chained", [False, True])
def test_one_hears_that_its_batch_has_not_left_in_the_turn_in_which_it_is_cancelled(
    error: Exception, notes: list[str], *, chained: bool
) -> None:
    async def main() -> None:
        service, pause = Ends(error), Pause(lambda: 0.0)
        async with (
            batching(service, size=5, held=lambda _mailbox: False, pause=pause) as packer,
            chaining(packer, held=lambda _mailbox: False, pause=pause) as transport,
        ):
            asked = service.waits = asyncio.create_task(transport.send(get(chain=Chain(1) if chained else None)))
            with pytest.raises(asyncio.CancelledError) as caught:
                await asked
        assert getattr(caught.value, "__notes__", []) == notes

    run(main())
