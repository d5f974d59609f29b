"""The wish to stop."""

import asyncio

from bulkmail.run.stop import FAILURES, INTERRUPTED, TIME_BOX, Stop
from bulkmail.testing import run


def test_the_first_reason_holds_and_wakes_whoever_waits() -> None:
    async def main() -> None:
        stop = Stop()
        waiting = asyncio.create_task(stop.wait())
        await asyncio.sleep(1)
        assert not waiting.done()
        assert "not asked" in repr(stop)
        stop.ask(TIME_BOX)
        stop.ask(FAILURES)
        await waiting
        assert stop.reason is TIME_BOX
        assert TIME_BOX.text in repr(stop)

    run(main())


def test_exit_codes_are_those_of_shells() -> None:
    assert {number: reason.code - 128 for number, reason in INTERRUPTED.items()} == {2: 2, 15: 15}
