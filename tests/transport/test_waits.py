"""Every wait is told: which mailbox, how long, and who said so; while it lasts, when it begins, and at the end."""

import asyncio

import pytest

from bulkmail.core.pace.pace import Pace
from bulkmail.core.slots.budget import OF_REQUESTS, OF_SENDS, OF_UPLOAD, REQUESTS, SENDS, UPLOAD
from bulkmail.model import Event, Request, Response, Wait
from bulkmail.testing import Scripted, run
from bulkmail.transport.batch import batching
from bulkmail.transport.limit import Limiting
from tests.transport.rig import (
    OK,
    Unbatching,
    Witness,
    cancelled,
    get,
    late,
    limiting,
    post,
    throttled,
    together,
    until_answered,
)

BUSY = throttled(100)
SHUT = throttled(100, "TooManyRequests")
OF_MAILBOX, OF_APPLICATION = "MailboxConcurrency, mailbox", "TooManyRequests, application"


def refused_once(refusal: Response, events: list[Event] | None = None) -> Limiting:
    """A limiter whose first request is refused."""
    answers = iter([refusal])
    heard = [] if events is None else events
    return limiting(Witness(lambda _request: (0.5, next(answers, OK))), report=heard.append)


@pytest.mark.parametrize(("refusal", "mailbox", "by"), [(BUSY, "ada", OF_MAILBOX), (SHUT, "", OF_APPLICATION)])
def test_who_waits_now(refusal: Response, mailbox: str, by: str) -> None:
    async def main() -> None:
        limiter = refused_once(refusal)
        asking = asyncio.create_task(until_answered(limiter, get()))
        assert limiter.waits() == []
        await asyncio.sleep(30.5)
        waits = [wait for wait in limiter.waits() if wait.mailbox == mailbox]
        assert waits == [Wait(mailbox, 70.0, by)]
        await asking
        assert limiter.waits() == []

    run(main())


def test_a_fence_that_nobody_waits_at_is_no_wait() -> None:
    async def main() -> None:
        limiter = refused_once(BUSY)
        await limiter.send(get())
        assert limiter.waits() == []

    run(main())


@pytest.mark.parametrize(
    ("refusal", "by"),
    [
        (BUSY, OF_MAILBOX),
        (SHUT, OF_APPLICATION),
        (throttled(100, "MailboxInfoStale", status=503), "MailboxInfoStale, mailbox"),
        (throttled(100, "UnknownError"), "UnknownError, application"),
    ],
)
@pytest.mark.parametrize("batch", [0, 5])
def test_the_outcome_says_who_asked_for_the_longest_wait(refusal: Response, by: str, batch: int) -> None:
    async def main() -> None:
        answers = iter([refusal])
        witness = Witness(lambda _request: (0.5, next(answers, OK)))
        async with batching(Unbatching(witness.answer), size=max(1, batch), held=late(lambda: limiter)) as packer:
            limiter = limiting(packer if batch else Scripted(witness.answer))
            limiter.enter("ada")
            await until_answered(limiter, get("/users/ada/x"))
            tally = limiter.leave("ada")
            assert (tally.waited, tally.waited_for) == (100.0, by)
            await limiter.send(get("/users/ada/x"))  # another visit
            limiter.enter("ada")
            assert limiter.leave("ada").waited_for == ""

    run(main())


def test_who_waits_for_everybodys_sake_is_told_so() -> None:
    async def main() -> None:
        limiter = refused_once(SHUT)
        first = asyncio.create_task(until_answered(limiter, get()))
        await asyncio.sleep(1)
        limiter.enter("eve")
        await limiter.send(get(mailbox="eve"))
        tally = limiter.leave("eve")
        await first
        assert (tally.requests, tally.throttled, tally.waited_for) == (1, 0, OF_APPLICATION)
        assert tally.waited == pytest.approx(99.5, abs=0.01)

    run(main())


def test_waiting_for_its_own_requests_or_for_the_pace_is_no_limits_doing() -> None:
    async def main() -> None:
        limiter = limiting(Witness(lambda _request: (1.0, OK)), pace=Pace(rate=2.0, in_flight=100))
        limiter.enter("ada")
        await together(*(limiter.send(get()) for _ in range(20)))
        tally = limiter.leave("ada")
        assert tally.waited > 10
        assert tally.waited_for == ""

    run(main())


LARGE = Request("PUT", "/x", "ada", body=bytes(int(UPLOAD) // 2))


@pytest.mark.parametrize(
    ("request_", "fit", "by", "seconds"),
    [
        (get(), REQUESTS, OF_REQUESTS, 620.0),
        (LARGE, 2, OF_UPLOAD, 310.0),
        (post("/users/ada/sendMail"), SENDS, OF_SENDS, 62.0),
    ],
)
def test_a_budget_that_is_used_up_is_told_like_a_refusal(request_: Request, fit: int, by: str, seconds: float) -> None:
    async def main() -> None:
        events: list[Event] = []
        limiter = limiting(Scripted(lambda _request: OK), report=events.append)
        limiter.enter("ada")
        for _ in range(fit):
            await limiter.send(request_)
        assert events == []
        one_more = asyncio.create_task(limiter.send(request_))
        await asyncio.sleep(2)
        [told] = events
        assert (told.kind, told.text, told.mailbox) == ("paused", by, "ada")
        assert told.longer == told.seconds == pytest.approx(seconds)
        [wait] = limiter.waits()
        assert (wait.mailbox, wait.by) == ("ada", by)
        assert wait.seconds == pytest.approx(seconds - 2)
        await one_more
        tally = limiter.leave("ada")
        assert (tally.throttled, tally.waited_for) == (0, by)
        assert tally.waited == pytest.approx(seconds)
        assert len(events) == 1

    run(main())


def test_waits_that_overlap_are_counted_once() -> None:
    async def main() -> None:
        events: list[Event] = []
        refusals = iter([throttled(10), throttled(10), throttled(30), throttled(5)])
        limiter = limiting(Witness(lambda _request: (0.5, next(refusals, OK))), report=events.append)
        await together(*(limiter.send(get()) for _ in range(4)))
        assert sorted(event.seconds for event in events) == [5, 10, 10, 30]
        assert sum(event.longer for event in events) == 30

    run(main())


def test_who_gives_up_has_waited_all_the_same() -> None:
    async def main() -> None:
        limiter = refused_once(BUSY)
        limiter.enter("ada")
        asking = asyncio.create_task(until_answered(limiter, get()))
        await asyncio.sleep(40.5)
        await cancelled(asking)
        tally = limiter.leave("ada")
        assert (tally.requests, tally.waited, tally.waited_for) == (1, 40.0, OF_MAILBOX)

    run(main())
