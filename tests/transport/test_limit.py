"""Slots, fences, pace and order: what leaves when, and what is left when all is done."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.batch import Readmit
from bulkmail.core.pace.pace import Pace
from bulkmail.core.slots.budget import SENDS, SENDS_SECONDS, UPLOAD, UPLOAD_SECONDS
from bulkmail.core.slots.lane import Slots
from bulkmail.errors import OutcomeUnknown
from bulkmail.model import Request, Response, Transport
from bulkmail.testing import Scripted, run
from bulkmail.transport.batch import batching
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
    post,
    throttled,
    together,
    until_answered,
)

Step = tuple[str, float]  # how the request ends, and the seconds that takes


def ending(step: Step) -> tuple[float, Response | Exception]:
    kind, seconds = step
    ends: dict[str, Response | Exception] = {
        "ok": OK,
        "mailbox": throttled(3),
        "app": throttled(2, "TooManyRequests"),
        "silent": throttled(None),
        "busy": throttled(4, "ServiceUnavailable", status=503),
        "lost": OutcomeUnknown("lost"),
    }
    return seconds, ends[kind]


kinds = st.sampled_from(["ok"] * 6 + ["mailbox", "app", "silent", "busy", "lost"])
scripts = st.lists(st.tuples(kinds, st.sampled_from([0.0, 0.1, 0.5, 2.0])), max_size=40)
begins = st.sampled_from([0.0, 0.0, 0.1, 1.0, 3.0])
patience = st.none() | st.sampled_from([0.0, 0.1, 0.5, 2.0])
tasks = st.lists(st.tuples(st.integers(0, 3), begins, patience), min_size=1, max_size=40)
paces = st.sampled_from([(1e6, 10_000), (20.0, 10_000), (1e6, 3), (5.0, 2)])


async def one_task(transport: Transport, mailbox: str, begin: float, patience: float | None) -> bool:
    """Whether it was answered; `patience` is how long it waits before it is cancelled."""
    await asyncio.sleep(begin)
    asking = asyncio.create_task(until_answered(transport, get(f"/users/{mailbox}/x", mailbox)))
    if patience is not None:
        await asyncio.wait([asking], timeout=patience)
        await cancelled(asking)
        return True
    return (await asking) is not None


# A part that is cancelled gives its slot back while its post goes on, and nobody hears its answer: the account of the
# service and ours then differ, so the model cancels plain requests only.
async def model(script: list[Step], asked: list[tuple[int, float, float | None]], pace: Pace, batch: int) -> None:
    steps = iter(script)
    witness = Witness(lambda _request: ending(next(steps, ("ok", 0.1))))
    terminal = Unbatching(witness.answer, witness.told)
    async with batching(terminal, size=max(1, batch), held=late(lambda: limiter)) as packer:
        limiter = limiting(packer if batch else terminal, pace=pace)
        answered = await together(
            *(one_task(limiter, f"m{key}", begin, None if batch else patience) for key, begin, patience in asked)
        )
        await asyncio.sleep(200)  # every fence has opened
    assert all(answered)
    assert witness.early == 0
    assert max(witness.most.values(), default=0) <= 4
    assert_nothing_held(limiter)


@given(scripts, tasks, paces, st.sampled_from([0, 1, 3, 20]))
def test_nothing_leaves_early_nothing_is_lost_and_nothing_stays_behind(
    script: list[Step], asked: list[tuple[int, float, float | None]], pace: tuple[float, int], batch: int
) -> None:
    run(model(script, asked, Pace(rate=pace[0], in_flight=pace[1]), batch))


def test_parts_and_plain_requests_share_the_four_slots() -> None:
    async def main() -> None:
        witness = Witness(lambda _request: (1.0, OK))
        async with batching(Unbatching(witness.answer, witness.told), size=3, held=lambda _key: False) as packer:
            limiter = limiting(packer)
            requests = [get(f"/users/ada/{number}", batchable=number % 2 == 0) for number in range(40)]
            await together(*(limiter.send(request) for request in requests))
        assert witness.most == {"ada": 4}
        assert_nothing_held(limiter)

    run(main())


def test_what_a_mailbox_cost_is_told_at_the_end() -> None:
    async def main() -> None:
        answers = iter([throttled(3), throttled(5, "TooManyRequests"), OK])
        limiter = limiting(Scripted(lambda _request: next(answers)))
        limiter.enter("ada")
        await until_answered(limiter, get())
        tally = limiter.leave("ada")
        assert (tally.requests, tally.throttled, tally.waited) == (3, 2, 8.0)
        await asyncio.sleep(100)
        assert_nothing_held(limiter)

    run(main())


def test_a_mailbox_has_begun_with_its_first_request() -> None:
    async def main() -> None:
        limiter = limiting(Witness(lambda _request: (1.0, OK)))
        assert not limiter.begun("ada")
        limiter.enter("ada")
        assert not limiter.begun("ada")
        await limiter.send(get())
        assert limiter.begun("ada")
        limiter.leave("ada")
        assert not limiter.begun("ada")

    run(main())


def test_mailboxes_that_have_begun_go_before_fresh_ones() -> None:
    done: list[str] = []

    async def main() -> None:
        limiter = limiting(Witness(lambda _request: (0.1, OK)), pace=Pace(rate=1e6, in_flight=2))

        async def work(mailbox: str) -> None:
            limiter.enter(mailbox)
            for _ in range(5):
                await limiter.send(get(mailbox=mailbox))
            limiter.leave(mailbox)
            done.append(mailbox)

        await together(*(work(f"m{number:02}") for number in range(20)))
        assert_nothing_held(limiter)

    run(main())
    assert done == sorted(done)


def test_idle_mailboxes_leave_no_state() -> None:
    async def main() -> None:
        limiter = limiting(Witness(lambda _request: (0.01, OK)))
        sizes = []
        for number in range(200):
            await limiter.send(get(mailbox=f"m{number}"))
            sizes.append(len(limiter.statistics().lanes))
        assert set(sizes) == {0}
        assert "0 lanes" in repr(limiter)

    run(main())


class Noting(Pace):
    """A pace that notes which of its endings were used."""

    def __init__(self) -> None:
        super().__init__(rate=1e6, in_flight=1000)
        self.notes: list[str] = []

    def crowded(self, now: float, sent_at: float) -> None:
        self.notes.append("crowded")
        super().crowded(now, sent_at)

    def answered(self, now: float, sent_at: float) -> None:
        self.notes.append("answered")
        super().answered(now, sent_at)

    def faltered(self, now: float, sent_at: float) -> None:
        self.notes.append("faltered")
        super().faltered(now, sent_at)

    def refused(self, now: float, sent_at: float, until: float) -> None:
        self.notes.append("refused")
        super().refused(now, sent_at, until)

    def abandoned(self, now: float) -> None:
        self.notes.append("abandoned")
        super().abandoned(now)

    def warned(self, now: float, percentage: float) -> None:
        self.notes.append(f"warned {percentage}")
        super().warned(now, percentage)


def notes_of(answer: Callable[[Request], Response], mailboxes: int = 1) -> list[str]:
    pace = Noting()

    async def main() -> None:
        limiter = limiting(Scripted(answer), pace=pace)
        for number in range(mailboxes):
            await limiter.send(get(mailbox=f"m{number}"))
        assert pace.statistics().in_flight == 0

    run(main())
    return pace.notes


def test_refusals_by_concurrency_on_many_mailboxes_crowd_the_pace() -> None:
    assert notes_of(lambda _request: throttled(1), 7) == ["answered"] * 4 + ["crowded"] * 3


@pytest.mark.parametrize(
    ("answer", "notes"),
    [
        (OK, ["answered"]),
        (Response(404), ["answered"]),
        (Response(500), ["faltered"]),
        (Response(503), ["faltered"]),
        (throttled(5, "x", status=503), ["faltered"]),
        (throttled(5), ["answered"]),
        (throttled(5, "TooManyRequests"), ["refused"]),
        (Response(509), ["refused"]),
        (Response(200, {"x-ms-throttle-limit-percentage": "0.9"}), ["answered", "warned 0.9"]),
        (Response(200, {"x-ms-throttle-limit-percentage": "inf"}), ["answered"]),
    ],
)
def test_the_pace_hears_once_how_each_request_ended(answer: Response, notes: list[str]) -> None:
    assert notes_of(lambda _request: answer) == notes


def test_a_bug_below_gives_everything_back() -> None:
    async def main() -> None:
        limiter = limiting(Scripted(lambda _request: Response(1 // 0)))
        for _ in range(9):
            with pytest.raises(ZeroDivisionError):
                await limiter.send(get())
        assert_nothing_held(limiter)

    run(main())


def test_a_body_that_is_no_json_takes_no_slot() -> None:
    async def main() -> None:
        limiter = limiting(Scripted(lambda _request: OK))
        with pytest.raises(TypeError):
            await limiter.send(Request("POST", "/x", "ada", body={1, 2}))
        assert_nothing_held(limiter)

    run(main())


def test_uploads_wait_for_their_budget_and_reads_of_other_mailboxes_do_not() -> None:
    async def main() -> None:
        limiter = limiting(Witness(lambda _request: (0.01, OK)))
        limiter.enter("ada")
        large = Request("PUT", "/x", "ada", body=bytes(int(UPLOAD) // 2))
        sent = [asyncio.create_task(limiter.send(large)) for _ in range(3)]
        await asyncio.sleep(1)
        assert [task.done() for task in sent] == [True, True, False]
        await limiter.send(get(mailbox="eve"))
        assert not sent[2].done()
        await sent[2]
        limiter.leave("ada")
        await asyncio.sleep(UPLOAD_SECONDS + 20)
        assert_nothing_held(limiter)

    run(main())


def test_messages_of_one_sender_keep_their_pace_over_many_short_visits() -> None:
    async def main() -> None:
        clock, sent = asyncio.get_running_loop().time, list[float]()
        limiter = limiting(Witness(lambda _request: (0.5, OK)))
        started = clock()
        for _ in range(2 * SENDS + 1):
            limiter.enter("ada")
            await limiter.send(post("/users/ada/sendMail"))
            assert limiter.leave("ada").requests == 1, "each visit is told its own cost"
            sent.append(clock() - started)
        assert sent[SENDS - 1] == SENDS * 0.5
        assert [at // SENDS_SECONDS for at in (sent[SENDS], sent[2 * SENDS - 1], sent[2 * SENDS])] == [1, 1, 2]
        assert all(later - earlier >= SENDS_SECONDS for earlier, later in zip(sent, sent[SENDS:], strict=False))
        assert set(limiter.statistics().lanes) == {"ada"}
        await limiter.send(post("/users/eve/sendMail", "eve"))
        assert clock() - started - sent[-1] == 0.5, "another sender does not wait"
        await asyncio.sleep(SENDS_SECONDS + 2)
        assert_nothing_held(limiter)

    run(main())


def test_of_two_visits_at_a_time_the_second_to_leave_takes_the_lane_along() -> None:
    async def main() -> None:
        limiter = limiting(Witness(lambda _request: (0.5, OK)))
        for _ in range(2):
            limiter.enter("office")
        await limiter.send(get(mailbox="office"))
        assert limiter.leave("office").requests == 1
        assert set(limiter.statistics().lanes) == {"office"}
        await limiter.send(get(mailbox="office"))
        assert limiter.leave("office").requests == 1
        assert_nothing_held(limiter)

    run(main())


def test_cancelled_in_the_turn_of_its_admission_it_leaves_its_slot() -> None:
    async def main() -> None:
        async def answer(request: Request) -> Response:
            asked.append(request.path)
            await asyncio.sleep(1)
            if request.path == "/1":
                cancel_soon(second)
            return OK

        asked: list[str] = []
        limiter = limiting(Scripted(answer), slots=Slots(1))
        first = asyncio.create_task(limiter.send(get("/1")))
        second = asyncio.create_task(limiter.send(get("/2")))
        third = asyncio.create_task(limiter.send(get("/3")))
        await first
        assert (await third).status == 200
        assert second.cancelled()
        assert asked == ["/1", "/3"]
        assert_nothing_held(limiter)

    run(main())


class Recalling:
    """A packer that recalls the first part, as one does whose fence rose."""

    def __init__(self) -> None:
        self.asked = 0

    async def send(self, _request: Request, /) -> Response:
        self.asked += 1
        if self.asked == 1:
            raise Readmit
        return OK


def test_a_recalled_request_is_admitted_again_and_counted_once() -> None:
    async def main() -> None:
        limiter = limiting(Recalling())
        limiter.enter("ada")
        assert await limiter.send(get()) is OK
        assert limiter.leave("ada").requests == 1
        assert_nothing_held(limiter)

    run(main())


def test_a_fence_that_opens_before_the_pace_allows_more_is_seen_at_its_time() -> None:
    """The timer is set for the pace first, and the fence of another mailbox then turns out to open sooner."""

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        refusals = iter([throttled(3)])
        witness = Witness(lambda request: (0.1, next(refusals, OK) if request.mailbox == "ada" else OK))
        limiter = limiting(witness, pace=Pace(rate=0.1, in_flight=100))
        assert (await limiter.send(get())).status == 429
        waiting = [asyncio.create_task(limiter.send(get(mailbox=key))) for key in ("eve", "bob")]
        await asyncio.sleep(0.5)
        asked = asyncio.create_task(limiter.send(get()))
        await asyncio.sleep(3)
        assert limiter.statistics().in_line == 3, "the fence is open, and the pace says when"
        await asyncio.wait([*waiting, asked])
        assert clock() == pytest.approx(30.2, abs=0.2)
        assert witness.early == 0
        assert_nothing_held(limiter)

    run(main())
