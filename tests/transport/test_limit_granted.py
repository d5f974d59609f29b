"""Requests wait for a rate that is granted, and leave when there is one."""

import asyncio
from typing import cast

from bulkmail.core.pace.granted import Grant, GrantedPace
from bulkmail.testing import Scripted, Tokens, run
from bulkmail.transport import StackSettings, stack
from tests.transport.rig import OK, get, unheard


def test_what_waits_leaves_when_a_rate_is_granted_and_sooner_when_it_rises() -> None:
    async def main() -> None:
        time = asyncio.get_running_loop().time
        async with stack(Scripted(lambda _: OK), Tokens(), StackSettings(granted=True), unheard) as built:
            pace = cast(GrantedPace, built.pace)

            def grant(rate: float) -> None:
                pace.grant(time(), Grant(pace.say(time()).number, rate, 60.0))
                built.resume()

            waiting = [asyncio.create_task(built.transport.send(get(mailbox=f"m{one}"))) for one in range(10)]
            await asyncio.sleep(5)
            assert not any(one.done() for one in waiting)
            grant(0.1)
            await asyncio.sleep(5)
            assert sum(one.done() for one in waiting) == 1, "the next has ten seconds to wait"
            grant(10.0)
            await asyncio.sleep(1)
            assert all(one.done() for one in waiting)

    run(main())
