"""Badly behaved clients, each caught by the limit that it breaks; the breaches are counted one by one."""

import asyncio
from collections import Counter

from bulkmail.sim import Limits
from tests.patient import patiently
from tests.sim.desk import Desk, parts, rehearse


async def at_once(desk: Desk, path: str, times: int) -> Counter[int]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(desk.get(path)) for _ in range(times)]
    return Counter(task.result().status for task in tasks)


def test_a_client_that_sends_nine_at_once_to_one_mailbox() -> None:
    async def act(desk: Desk) -> None:
        assert await at_once(desk, f"{desk.user()}/mailboxSettings", 9) == {200: 4, 429: 5}

    books = patiently(lambda times: rehearse(act, latency=0.5 * times))
    assert books["breaches"] == {"MailboxConcurrency": 5}
    assert books["most_in_flight_per_mailbox"] == 4


def test_a_client_that_keeps_to_four() -> None:
    async def act(desk: Desk) -> None:
        for _ in range(5):
            assert await at_once(desk, f"{desk.user()}/mailboxSettings", 4) == {200: 4}

    books = rehearse(act, latency=0.01)
    assert not books["breaches"]
    assert (books["most_in_flight_per_mailbox"], books["in_flight"]) == (4, 0)


def test_a_client_that_does_not_wait() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/mailboxSettings"
        for _ in range(8):
            await desk.get(path)

    books = rehearse(act, limits=Limits(requests=3, wait=60))
    assert books["breaches"] == {"Requests": 1}
    assert (books["early"], books["fenced"]) == (2, 4)  # the first two may have left before the refusal was heeded


def test_a_client_that_uploads_too_much() -> None:
    async def act(desk: Desk) -> None:
        reply = None
        for number in range(3):
            wish = {"displayName": f"c{number}", "personalNotes": "x" * 500}
            reply = await desk.ask("POST", f"{desk.user()}/contacts", wish)
        assert reply is not None
        assert (reply.status, reply.body["error"]["message"]) == (429, "Application is over its IncomingBytes limit.")
        assert (await desk.ask("POST", f"{desk.user(1)}/contacts", {"displayName": "c"})).status == 201

    books = rehearse(act, limits=Limits(upload=1200))
    assert books["breaches"] == {"IncomingBytes": 1}
    assert books["effects"]["total"] == 3


def test_a_client_that_is_too_fast_for_the_tenant() -> None:
    async def act(desk: Desk) -> None:
        statuses = [(await desk.get(f"{desk.user(n)}/mailboxSettings")).status for n in range(8)]
        assert statuses == [200] * 5 + [429] * 3

    books = rehearse(act, limits=Limits(rate=0.001, burst=5, harsh=True))
    assert books["breaches"] == {"Rate": 1}
    assert (books["fenced"], books["early"]) == (2, 0)


def test_parts_of_a_batch_are_throttled_one_by_one() -> None:
    async def act(desk: Desk) -> None:
        reply = await desk.batch(*parts(*(f"{desk.user(n)}/mailboxSettings" for n in range(20))))
        assert Counter(answer["status"] for answer in reply.body["responses"]) == {200: 13, 429: 7}

    assert rehearse(act, limits=Limits(rate=0.001, burst=13))["breaches"] == {"Rate": 1}


def test_a_sender_of_many_messages_is_held_back_not_refused() -> None:
    letter = {"subject": "Notice", "toRecipients": [{"emailAddress": {"address": "a@tenant.example"}}]}

    async def act(desk: Desk) -> None:
        before = len(await desk.pages(f"{desk.user()}/mailFolders/sentitems/messages"))
        for _ in range(5):
            assert (await desk.ask("POST", f"{desk.user()}/sendMail", {"message": letter})).status == 202
        assert len(await desk.pages(f"{desk.user()}/mailFolders/sentitems/messages")) == before + 3

    assert rehearse(act, limits=Limits(messages=3))["deferred_messages"] == 2


def test_plain_requests_and_parts_of_a_batch_share_the_four() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/mailboxSettings"
        async with asyncio.TaskGroup() as group:
            plain = [group.create_task(desk.get(path)) for _ in range(2)]
            while desk.sim.books()["in_flight"] < 2:  # noqa: ASYNC110 - the books have no event
                await asyncio.sleep(0.005)
            batch = group.create_task(desk.batch(*parts(*[path] * 4)))
        statuses = Counter(answer["status"] for answer in batch.result().body["responses"])
        assert statuses == {200: 2, 429: 2}
        assert [task.result().status for task in plain] == [200, 200]

    books = patiently(lambda times: rehearse(act, latency=0.5 * times))
    assert books["breaches"] == {"MailboxConcurrency": 2}
    assert books["most_in_flight_per_mailbox"] == 4


def test_two_batches_at_once_break_the_four_of_a_mailbox_as_well() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/mailboxSettings"
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(desk.batch(*parts(*[path] * 4)))

    def together(times: int) -> None:
        assert rehearse(act, latency=0.3 * times)["breaches"] == {"MailboxConcurrency": 4}

    patiently(together)


def test_a_client_that_reads_the_directory_too_fast_is_warned_and_then_refused() -> None:
    async def act(desk: Desk) -> None:
        replies = [await desk.get("/users?$top=50")]  # two units each, of ten that come back one a second
        while replies[-1].status == 200:
            replies.append(await desk.get("/users?$top=50"))
        told = [float(reply.headers.get("x-ms-throttle-limit-percentage", 0)) for reply in replies[:-1]]
        assert told[0] == 0
        assert max(told) >= 0.8
        assert all(share == 0 or 0.8 <= share <= 1.8 for share in told)
        assert replies[-1].status == 429
        assert replies[-1].headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
        assert int(replies[-1].headers["Retry-After"]) >= 1

    books = rehearse(act, limits=Limits(units=1.0))
    assert books["breaches"] == {"ResourceUnits": 1}


def test_a_client_that_comes_back_too_early_waits_longer() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/mailboxSettings"
        assert (await desk.get(path)).status == 200
        first, *more = [float((await desk.get(path)).headers["Retry-After"]) for _ in range(4)]
        assert first == 1000.0
        assert more[1] < more[0] < first
        assert more[2] > more[0]

    books = rehearse(act, round_trip=0.01, limits=Limits(requests=1, wait=1000, form="decimal"))
    assert (books["breaches"], books["early"]) == ({"Requests": 1}, 1)


def test_a_client_that_goes_on_with_other_mailboxes_is_caught_where_it_does_not_wait() -> None:
    async def act(desk: Desk) -> None:
        for _ in range(2):
            await desk.get(f"{desk.user()}/mailboxSettings")
        for number in range(1, 5):
            await at_once(desk, f"{desk.user(number)}/mailboxSettings", 4)
        await desk.get(f"{desk.user()}/mailboxSettings")

    books = rehearse(act, latency=0.01, limits=Limits(requests=4, wait=60))
    assert books["early"] == 0
    books = rehearse(act, latency=0.01, limits=Limits(requests=1, wait=60))
    assert books["early"] >= 1


def test_a_client_that_is_too_fast_for_a_mild_tenant() -> None:
    async def act(desk: Desk) -> None:
        statuses = [(await desk.get(f"{desk.user(n)}/mailboxSettings")).status for n in range(8)]
        assert statuses == [200] * 5 + [429] * 3

    books = rehearse(act, limits=Limits(rate=0.001, burst=5))
    assert books["breaches"]["Rate"] + books["fenced"] == 3


def test_one_saturated_mailbox_leaves_the_others_alone() -> None:
    async def act(desk: Desk) -> None:
        hold = {200: 4, 429: 8}
        assert await at_once(desk, f"{desk.user()}/mailboxSettings", 12) == hold
        statuses = [(await desk.get(f"{desk.user(n)}/mailboxSettings")).status for n in range(1, 20)]
        assert set(statuses) == {200}

    books = patiently(lambda times: rehearse(act, latency=0.05 * times))
    assert books["breaches"] == {"MailboxConcurrency": 8}
