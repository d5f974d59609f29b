"""A write that may have been carried out is in doubt however it ends, and no other request is for its sake.

The ledger goes by the notes on an error: what is taken for unsent, an undo passes over.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bulkmail.core.batch import Alone
from bulkmail.core.slots.lane import Slots
from bulkmail.errors import MAYBE_SENT, NOT_SENT, ServiceDown, SignInError, ThrottledOut, Unreachable, noted
from bulkmail.model import Effect, Request, Response
from bulkmail.testing import run
from tests.transport.rig import limiting, open_pace, throttled

BROKEN = Request("PATCH", "/broken", "ada", body={"a": 1}, effect=Effect.IDEMPOTENT)
OTHER = Request("PATCH", "/other", "ada", body={"a": 1}, effect=Effect.IDEMPOTENT)


class Interrupted:
    """The first attempt of `/broken` was a part of a batch without an answer; all else ends as `then` says."""

    def __init__(self, then: Callable[[], Response]) -> None:
        self._then = then
        self._asked = False

    async def send(self, request: Request, /) -> Response:
        if request.path == BROKEN.path and not self._asked:
            self._asked = True
            await asyncio.sleep(1)
            raise Alone("no answer", doubtful=True)
        await asyncio.sleep(0.5)
        return self._then()


async def told(call: Coroutine[Any, Any, object]) -> tuple[type[BaseException], set[str]]:
    """How a call ends, and with which notes."""
    try:
        await call
    except BaseException as error:  # noqa: BLE001 - as the ledger sees it
        return type(error), set(getattr(error, "__notes__", ()))
    raise AssertionError("it was answered")


def test_cancelled_while_it_waits_for_its_next_turn() -> None:
    async def main() -> None:
        limiter = limiting(Interrupted(lambda: throttled(3600)), slots=Slots(1))
        broken, other = (asyncio.create_task(told(limiter.send(one))) for one in (BROKEN, OTHER))
        await asyncio.sleep(60)
        for waiting in (broken, other):
            waiting.cancel()
        assert await broken == (asyncio.CancelledError, {NOT_SENT, MAYBE_SENT})

    run(main())


def test_cancelled_while_it_waits_for_a_fixed_rate() -> None:
    async def main() -> None:
        limiter = limiting(Interrupted(lambda: Response(200)), rate=0.01)
        broken = asyncio.create_task(told(limiter.send(BROKEN)))
        await asyncio.sleep(20)
        broken.cancel()
        assert await broken == (asyncio.CancelledError, {NOT_SENT, MAYBE_SENT})

    run(main())


@pytest.mark.parametrize(("code", "error"), [("ApplicationThrottled", ThrottledOut), ("TooManyRequests", ServiceDown)])
def test_given_up_because_the_wait_is_too_long(code: str, error: type[BaseException]) -> None:
    async def main() -> None:
        limiter = limiting(Interrupted(lambda: throttled(3600, code)), max_wait=10.0)
        broken = asyncio.create_task(told(limiter.send(BROKEN)))
        assert (await limiter.send(OTHER)).status == 429
        assert await broken == (error, {MAYBE_SENT})

    run(main())


def test_an_error_that_several_are_told_is_noted_for_the_one_in_doubt() -> None:
    shared = SignInError("no token", hint="Ask for one.", code="AADSTS7")

    def refuse() -> Response:
        raise shared

    async def main() -> None:
        limiter = limiting(Interrupted(refuse), pace=open_pace())
        broken = asyncio.create_task(told(limiter.send(BROKEN)))
        await asyncio.sleep(2)
        assert await broken == (SignInError, {MAYBE_SENT})
        assert await told(limiter.send(OTHER)) == (SignInError, set())

    run(main())


def test_what_is_noted_is_the_same_error_in_all_else() -> None:
    first = Unreachable("no route", hint="Look.", request_id="r", client_request_id="c")
    first.add_note("x")
    second = noted(first, doubtful=True)
    assert (str(second), second.hint, second.request_id, second.client_request_id) == ("no route", "Look.", "r", "c")
    assert (first.__notes__, second.__notes__) == (["x"], ["x", MAYBE_SENT])
    accident = KeyError("k")
    assert noted(accident, doubtful=True) is accident
    assert noted(first, doubtful=False) is first
