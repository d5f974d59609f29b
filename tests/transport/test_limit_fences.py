"""Waits: who is held up by a refusal, for how long, and who hears that it is too long."""

import asyncio

import pytest

from bulkmail.core.pace.pace import Pace
from bulkmail.core.slots.lane import Slots
from bulkmail.errors import BulkmailError, ServiceDown, ThrottledOut
from bulkmail.model import Event, Request, Response
from bulkmail.testing import Scripted, Tokens, run
from bulkmail.transport import StackSettings, stack
from bulkmail.transport.batch import batching
from bulkmail.transport.limit import Limiting
from tests.transport.rig import (
    OK,
    Unbatching,
    Witness,
    assert_nothing_held,
    cancel_soon,
    cancelled,
    get,
    late,
    limiting,
    open_pace,
    post,
    throttled,
    together,
    unheard,
    until_answered,
)


def order_of(refusal: Response) -> list[str]:
    """Mailboxes in the order of their good answers, after the first request of `ada` was refused."""
    answers = iter([refusal])
    done: list[str] = []

    async def main() -> None:
        limiter = limiting(Scripted(lambda _request: next(answers, OK)))

        async def work(mailbox: str) -> None:
            await until_answered(limiter, get(mailbox=mailbox))
            done.append(mailbox)

        first = asyncio.create_task(work("ada"))
        await asyncio.sleep(0.1)
        await together(*(work(f"m{number}") for number in range(9)))
        await first

    run(main())
    return done


TIMED = [throttled(60, "x", status=status) for status in (500, 502, 504)]


@pytest.mark.parametrize(
    "refusal", [throttled(60), throttled(60, "MailboxInfoStale", status=503), throttled(None), *TIMED]
)
def test_the_wait_of_one_mailbox_holds_up_no_other(refusal: Response) -> None:
    assert order_of(refusal)[-1] == "ada"


@pytest.mark.parametrize("status", [429, 503, 509])
def test_a_refusal_of_the_application_holds_up_all(status: int) -> None:
    scope = {"x-ms-throttle-scope": "Tenant_Application/ReadWrite/a/b"}
    assert order_of(Response(status, {"retry-after": "60", **scope}))[0] == "ada"
    assert order_of(throttled(60, "TooManyRequests"))[0] == "ada"


@pytest.mark.parametrize(
    "refusal", [throttled(60), throttled(60, "TooManyRequests"), throttled(60, "x", status=503), *TIMED]
)
def test_nothing_is_asked_of_a_mailbox_before_its_time(refusal: Response) -> None:
    async def main() -> None:
        answers = iter([refusal])
        witness = Witness(lambda _request: (0.1, next(answers, OK)))
        limiter = limiting(witness)
        assert (await limiter.send(get())).status == refusal.status
        asked = asyncio.get_running_loop().time()
        await limiter.send(get())
        assert asyncio.get_running_loop().time() - asked == pytest.approx(60.1)

    run(main())


def waits_of(answers: list[Response]) -> list[float]:
    """The waits that a mailbox is told of, one request after another."""
    events: list[Event] = []
    script = iter(answers)

    async def main() -> None:
        limiter = limiting(Scripted(lambda _request: next(script)), report=events.append)
        limiter.enter("ada")
        for _ in answers:
            await limiter.send(get())
        limiter.leave("ada")
        await asyncio.sleep(200)
        assert_nothing_held(limiter)

    run(main())
    return [event.seconds for event in events]


@pytest.mark.parametrize("code", ["ApplicationThrottled", "TooManyRequests"])
def test_a_refusal_that_names_no_time_is_met_with_a_growing_guess(code: str) -> None:
    silent = throttled(None, code)
    assert waits_of([silent] * 8) == [1, 2, 4, 8, 16, 32, 60, 60]
    assert waits_of([silent, silent, OK, silent]) == [1, 2, 1]
    assert waits_of([throttled(0, code), throttled("rubbish", code)]) == [1, 2]


def test_a_named_time_is_rounded_up_and_kept_in_full() -> None:
    assert waits_of([throttled("2.128"), throttled("7200", "TooManyRequests"), throttled("10, 20")]) == [3, 7200, 20]


def test_a_503_without_a_time_raises_no_fence() -> None:
    assert waits_of([Response(503), Response(500), OK]) == []


@pytest.mark.parametrize("code", ["ApplicationThrottled", "TooManyRequests"])
def test_requests_that_flew_together_are_refused_once(code: str) -> None:
    events: list[Event] = []

    async def main() -> None:
        refusals = iter([throttled(None, code)] * 4)
        witness = Witness(lambda _request: (0.1, next(refusals, OK)))
        limiter = limiting(witness, report=events.append)
        await together(*(until_answered(limiter, get()) for _ in range(4)))

    run(main())
    assert [event.seconds for event in events] == [1, 1, 1, 1]


def test_a_fence_is_kept_for_a_mailbox_that_nobody_entered() -> None:
    async def main() -> None:
        answers = iter([throttled(30)])
        witness = Witness(lambda _request: (0.1, next(answers, OK)))
        limiter = limiting(witness)
        for _ in range(3):
            await limiter.send(get(mailbox=""))
        assert witness.early == 0
        assert_nothing_held(limiter)

    run(main())


@pytest.mark.parametrize(("code", "error"), [("ApplicationThrottled", ThrottledOut), ("TooManyRequests", ServiceDown)])
def test_too_long_a_wait_ends_those_who_wait_and_those_who_come(code: str, error: type[BulkmailError]) -> None:
    """A mailbox's own wait fails the mailbox; one that is asked of the application stops the run and fails none."""

    async def main() -> None:
        service = Witness(lambda _request: (1.0, throttled(900, code)))
        limiter = limiting(service, max_wait=600)
        asked = [asyncio.create_task(limiter.send(get())) for _ in range(9)]
        await asyncio.wait(asked)
        ends = [task.exception() or task.result().status for task in asked]
        assert ends[:4] == [429] * 4
        assert all(isinstance(end, error) for end in ends[4:])
        limiter.enter("ada")
        with pytest.raises(error, match=r"a wait of 900 s in all \(\w+, \w+\); the job allows 600 s"):
            await limiter.send(get())
        limiter.leave("ada")
        await asyncio.sleep(900)
        assert_nothing_held(limiter)

    run(main())


class Long:
    """A service that refuses `ada` in one of several ways, and shows when each request came."""

    def __init__(self, refusal: Response, after: int = 0) -> None:
        self._refusal = refusal
        self._good = after
        self.came: list[float] = []

    async def answer(self, request: Request) -> Response:
        if "ada" not in request.mailbox:
            return OK
        self.came.append(asyncio.get_running_loop().time())
        self._good -= 1
        return OK if self._good >= 0 else self._refusal


@pytest.mark.parametrize("batch", [0, 5])
@pytest.mark.parametrize(
    ("refusal", "sent"),
    [
        (throttled(7200), 1),
        (throttled(7200, "TooManyRequests"), 1),
        (throttled(7200, "MailboxInfoStale", status=503), 1),
        (throttled(60), 10),  # for ten minutes, and a little later each time
        (throttled(60, "TooManyRequests"), 10),
        (throttled(None), 15),  # 1, 2, 4, 8, 16, 32, and then a minute at a time
    ],
)
def test_a_mailbox_that_is_held_up_too_long_ends_truthfully(refusal: Response, sent: int, batch: int) -> None:
    async def main() -> None:
        service = Long(refusal)
        chosen = StackSettings(batch=batch, max_wait=600)
        async with stack(Unbatching(service.answer), Tokens(), chosen, unheard) as whole:
            whole.lanes.enter("ada")
            asked = asyncio.create_task(whole.transport.send(get("/users/ada/x")))
            error = ServiceDown if refusal.body["error"]["code"] == "TooManyRequests" else ThrottledOut
            with pytest.raises(error, match=r"asks for a wait of \d+ s in all \(.*\); the job allows 600 s"):
                await asked
            assert asyncio.get_running_loop().time() < 700
            assert len(service.came) == sent
            assert whole.lanes.leave("ada").requests == sent

    run(main())


@pytest.mark.parametrize("batch", [0, 5])
def test_one_that_passes_now_and_then_is_not_held_up(batch: int) -> None:
    async def main() -> None:
        answers = iter([throttled(400), throttled(150), OK] * 5)
        terminal = Unbatching(Scripted(lambda _request: next(answers)).send)
        async with stack(terminal, Tokens(), StackSettings(batch=batch, max_wait=600), unheard) as whole:
            whole.lanes.enter("ada")
            for _ in range(5):
                assert (await whole.transport.send(get("/users/ada/x"))).status == 200
            tally = whole.lanes.leave("ada")
            assert (tally.requests, tally.throttled) == (15, 10)
            assert tally.waited >= 5 * 550

    run(main())


def test_a_long_wait_of_the_application_ends_waiting_requests_of_all_mailboxes() -> None:
    async def main() -> None:
        pace = Pace(rate=1e6, in_flight=2)
        limiter = limiting(Witness(lambda _request: (1.0, throttled(900, "TooManyRequests"))), max_wait=600, pace=pace)
        asked = [asyncio.create_task(limiter.send(get(mailbox=f"m{number}"))) for number in range(20)]
        await asyncio.wait(asked)
        assert sum(isinstance(task.exception(), ServiceDown) for task in asked) == 18
        await asyncio.sleep(1000)
        assert_nothing_held(limiter)

    run(main())


def test_who_gave_up_waiting_hears_nothing_of_a_long_wait() -> None:
    async def main() -> None:
        limiter = limiting(Witness(lambda _request: (1.0, throttled(900))), max_wait=600, slots=Slots(1))
        asked = [asyncio.create_task(limiter.send(get())) for _ in range(4)]
        await asyncio.sleep(0.5)
        await cancelled(asked[2])
        await asyncio.wait(asked)
        assert asked[2].cancelled()
        assert [isinstance(asked[number].exception(), ThrottledOut) for number in (1, 3)] == [True, True]
        await asyncio.sleep(1000)
        assert_nothing_held(limiter)

    run(main())


def test_a_long_wait_of_one_mailbox_ends_no_other() -> None:
    async def main() -> None:
        service = Witness(lambda request: (1.0, throttled(900) if request.mailbox == "eve" else OK))
        limiter = limiting(service, max_wait=600)
        asked = [asyncio.create_task(limiter.send(get(mailbox=key))) for key in ["eve", "ada"] * 8]
        await asyncio.wait(asked)
        assert [task.result().status for task in asked[1::2]] == [200] * 8

    run(main())


def test_cancelled_in_the_turn_of_being_thrown_out_it_gives_back_nothing() -> None:
    async def main() -> None:
        def heard(_event: Event) -> None:
            cancel_soon(second)

        service = Witness(lambda _request: (1.0, throttled(900)))
        limiter = limiting(service, slots=Slots(1), max_wait=600, report=heard)
        first = asyncio.create_task(limiter.send(get("/1")))
        second = asyncio.create_task(limiter.send(get("/2")))
        await first
        await asyncio.wait([second])
        assert limiter.statistics().in_flight == 0
        await asyncio.sleep(1000)
        assert_nothing_held(limiter)

    run(main())


def test_a_fence_that_rises_in_the_turn_of_an_admission_still_holds_it() -> None:
    async def main() -> None:
        async def answer(request: Request) -> Response:
            assert not limiter.held("ada")
            await asyncio.sleep(1)
            return throttled(30) if request.path == "/2" else OK

        limiter = limiting(Scripted(answer), slots=Slots(2))
        limiter.enter("ada")
        answers = await together(*(limiter.send(get(f"/{number}")) for number in (1, 2, 3)))
        assert [one.status for one in answers] == [200, 429, 200]
        assert limiter.leave("ada").requests == 3
        assert_nothing_held(limiter)

    run(main())


def test_a_part_whose_fence_rises_while_it_lingers_does_not_leave() -> None:
    async def main() -> None:
        answers = {"/users/ada/first": throttled(30)}
        witness = Witness(lambda request: (0.01, answers.pop(request.path, OK)))
        terminal = Unbatching(witness.answer, witness.told)
        async with batching(terminal, size=5, linger=0.02, held=late(lambda: limiter)) as packer:
            limiter = limiting(packer)
            limiter.enter("ada")
            before = asyncio.create_task(limiter.send(get("/users/bob/part", "bob")))
            await asyncio.sleep(0.001)  # the others linger, since a post is under way
            first = asyncio.create_task(limiter.send(get("/users/ada/first", batchable=False)))
            part = asyncio.create_task(limiter.send(get("/users/ada/part")))
            other = asyncio.create_task(limiter.send(get("/users/eve/part", "eve")))
            assert (await first).status == 429
            await before
            await other
            assert not part.done()
            assert (await part).status == 200
            assert limiter.leave("ada").requests == 2
        assert witness.early == 0
        assert [[part.path for part in posted] for posted in terminal.posts] == [
            ["/users/bob/part"],
            ["/users/eve/part"],
            ["/users/ada/part"],
        ]
        assert_nothing_held(limiter)

    run(main())


def test_a_wait_without_limit_is_accepted_by_default() -> None:
    async def main() -> None:
        answers = iter([throttled(1_000_000, "TooManyRequests"), throttled(1_000_000)])
        limiter = limiting(Scripted(lambda _request: next(answers, OK)))
        assert await until_answered(limiter, post()) is OK

    run(main())


def test_dice_spread_those_who_wait() -> None:
    async def main() -> None:
        events: list[Event] = []
        limiter = Limiting(
            Scripted(lambda _request: throttled(10)),
            slots=Slots(),
            pace=open_pace(),
            report=events.append,
            dice=lambda: 0.5,
        )
        await limiter.send(get())
        assert [event.seconds for event in events] == [10.5]
        assert events[0].mailbox == "ada"
        unheard(events[0])

    run(main())
