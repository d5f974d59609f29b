"""Badly behaved clients, each caught by the limit that it breaks; the breaches are counted one by one."""

import asyncio
from collections import Counter

from bulkmail.sim import Limits
from tests.sim.desk import Desk, parts, rehearse


async def at_once(desk: Desk, path: str, times: int) -> Counter[int]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(desk.get(path)) for _ in range(times)]
    return Counter(task.result().status for task in tasks)


def test_a_client_that_sends_nine_at_once_to_one_mailbox() -> None:
    async def act(desk: Desk) -> None:
        assert await at_once(desk, f"{desk.user()}/mailboxSettings", 9) == {200: 4, 429: 5}

    books = rehearse(act, latency=0.5)
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
        for _ in range(6):
            await desk.get(path)

    books = rehearse(act, limits=Limits(requests=3, wait=60, grace=0.0))
    assert books["breaches"] == {"Requests": 1}
    assert (books["early"], books["fenced"]) == (2, 2)


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

    books = rehearse(act, limits=Limits(rate=0.001, burst=5, harsh=True, grace=60))
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
