"""A lease: how long a worker may send, and what becomes of what it was about to send."""

import asyncio
from collections.abc import Callable

import pytest

from bulkmail.cluster.lease import SENDING, Lease, Leased
from bulkmail.errors import Lapsed
from bulkmail.model import Request, Response
from bulkmail.testing import run
from tests.transport.rig import get


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def nothing() -> None:
    """Most requests go out undisturbed."""


class Wire:
    """Asks the lease at its last moment, as the wire does; `before` happens just ahead of that."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.sent: list[float] = []
        self.before: Callable[[], None] = nothing

    async def send(self, request: Request, /) -> Response:
        before, self.before = self.before, nothing
        before()
        self.lease.check()
        self.sent.append(self.lease.clock())
        return Response(200, {}, None)


def test_a_lease_is_counted_from_when_it_was_asked_for() -> None:
    clock = Clock()
    lease = Lease(10.0, clock)
    assert not lease.lasts
    clock.at = 103.0
    lease.renew(100.0)
    clock.at = 100.0 + 10.0 * SENDING - 0.001
    lease.check()
    clock.at += 0.001
    with pytest.raises(Lapsed):
        lease.check()


def test_it_ends_here_before_it_ends_at_the_coordinator() -> None:
    """Who counts from the arrival of a sign of life, and all of the seconds, is later however long that was under
    way."""
    clock = Clock()
    lease = Lease(10.0, clock)
    lease.renew(100.0)
    heard_there = 100.0  # no sign of life arrives before it was sent
    clock.at = heard_there + 10.0
    assert not lease.lasts


def test_an_answer_that_comes_late_does_not_shorten_the_lease() -> None:
    clock = Clock()
    lease = Lease(10.0, clock)
    lease.renew(105.0)
    lease.renew(101.0)
    clock.at = 105.0 + 10.0 * SENDING - 0.001
    assert lease.lasts


def test_nothing_is_sent_while_it_has_lapsed_and_all_once_it_is_renewed() -> None:
    async def main() -> None:
        clock = Clock()
        lease = Lease(10.0, clock)
        wire = Wire(lease)
        sender = Leased(wire, lease)
        sending = [asyncio.create_task(sender.send(get("/x"))) for _ in range(3)]
        for _ in range(5):
            await asyncio.sleep(0)
        assert wire.sent == []
        lease.renew(clock.at)
        assert [(await one).status for one in sending] == [200, 200, 200]
        assert wire.sent == [100.0] * 3

    run(main())


def test_a_renewal_that_is_too_old_lets_nothing_go() -> None:
    """A process that was stopped reads, when it wakes, the answers that came in its sleep."""

    async def main() -> None:
        clock = Clock()
        lease = Lease(10.0, clock)
        wire = Wire(lease)
        sending = asyncio.create_task(Leased(wire, lease).send(get("/x")))
        await asyncio.sleep(0)
        clock.at = 200.0
        lease.renew(100.0)
        for _ in range(5):
            await asyncio.sleep(0)
        assert wire.sent == []
        lease.renew(200.0)
        await sending
        assert wire.sent == [200.0]

    run(main())


def test_what_lapsed_on_its_way_to_the_wire_waits_and_is_sent_once() -> None:
    async def main() -> None:
        clock = Clock()
        lease = Lease(10.0, clock)
        lease.renew(clock.at)
        wire = Wire(lease)

        def slept() -> None:
            clock.at = 300.0

        wire.before = slept
        sending = asyncio.create_task(Leased(wire, lease).send(get("/x")))
        for _ in range(5):
            await asyncio.sleep(0)
        assert wire.sent == []
        lease.renew(300.0)
        await sending
        assert wire.sent == [300.0]

    run(main())
