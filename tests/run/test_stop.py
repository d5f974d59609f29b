"""The wish to stop, and what becomes of work that is given up because of it."""

import asyncio
import logging
import signal
from typing import NoReturn

import pytest

from bulkmail.run.stop import CANARY, INTERRUPTED, TIME_BOX, Stop
from bulkmail.testing import run


async def stubborn() -> NoReturn:
    """Meets an error while it is being cancelled."""
    try:
        await asyncio.sleep(60)
    finally:
        raise ValueError("on the way out")
    raise AssertionError


def test_the_first_reason_holds_and_wakes_whoever_waits() -> None:
    async def main() -> None:
        stop = Stop()
        waiting = asyncio.create_task(stop.wait())
        await asyncio.sleep(1)
        assert not waiting.done()
        assert "not asked" in repr(stop)
        stop.ask(TIME_BOX)
        stop.ask(CANARY)
        await waiting
        assert stop.reason is TIME_BOX
        assert TIME_BOX.text in repr(stop)

    run(main())


def test_exit_codes_are_those_of_shells() -> None:
    for number, reason in INTERRUPTED.items():
        assert reason.code == 128 + number
    assert {signal.SIGINT, signal.SIGTERM} < set(INTERRUPTED)


def test_work_that_ends_first_gives_its_result_or_its_error() -> None:
    async def broken() -> NoReturn:
        raise ValueError("broken")

    async def main() -> None:
        stop = Stop()
        assert await stop.before(asyncio.sleep(1, "done")) == "done"
        with pytest.raises(ValueError, match="broken"):
            await stop.before(broken())

    run(main())


def test_work_that_is_given_up_has_ended() -> None:
    async def main() -> None:
        stop, ended = Stop(), asyncio.Event()

        async def work() -> str:
            try:
                return await asyncio.sleep(60, "never")
            finally:
                await asyncio.sleep(3)
                ended.set()

        asyncio.get_running_loop().call_later(1, stop.ask, TIME_BOX)
        assert await stop.before(work()) is None
        assert ended.is_set()

    run(main())


def test_what_given_up_work_raises_is_raised() -> None:
    async def main() -> None:
        stop = Stop()
        asyncio.get_running_loop().call_later(1, stop.ask, TIME_BOX)
        with pytest.raises(ValueError, match="on the way out"):
            await stop.before(stubborn())

    run(main())


def test_what_it_raises_is_logged_when_the_run_itself_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        waiting = asyncio.create_task(Stop().before(stubborn()))
        await asyncio.sleep(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    with caplog.at_level(logging.ERROR):
        run(main())
    assert "on the way out" in caplog.text
