"""`$batch`: what is refused as a whole, and that each part is judged by itself."""

import asyncio
import base64
import io
from typing import Any

import pytest

from tests.patient import patiently
from tests.sim.desk import Desk, parts, rehearse

PART = {"id": "1", "method": "GET", "url": "/users?$top=1"}


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [{**PART, "id": str(n)} for n in range(21)],
        [PART, PART],
        [{**PART, "id": "a"}, {**PART, "id": "A"}],
        [{**PART, "id": 1}],
        [{"id": "1", "method": "GET"}],
        ["text"],
        [{**PART, "method": "BREW"}],
        [{**PART, "url": "/$batch"}],
        [{**PART, "url": "https://graph.microsoft.com/v1.0/users"}],
        [{**PART, "body": {}}],
        [{**PART, "dependsOn": ["2"]}, {**PART, "id": "2"}],
        [{**PART, "dependsOn": "1"}],
    ],
)
def test_a_malformed_batch_is_refused_as_a_whole(requests: list[Any]) -> None:
    async def act(desk: Desk) -> None:
        reply = await desk.ask("POST", "/$batch", {"requests": requests})
        assert (reply.status, reply.code) in {(400, "BadRequest"), (400, "MaximumValueExceeded")}

    assert rehearse(act)["parts"] == 0


def test_every_part_is_answered_in_any_order_each_by_itself() -> None:
    async def act(desk: Desk) -> None:
        urls = [f"{desk.user(n)}/mailboxSettings" for n in range(18)]
        reply = await desk.batch(*parts(*urls, "/users/nobody@tenant.example/mailboxSettings", "/no/such"))
        answers = {answer["id"]: answer for answer in reply.body["responses"]}
        assert [answers[str(n)]["status"] for n in range(20)] == [200] * 18 + [404, 400]
        for number in range(18):
            assert desk.sim.tenant.guid(number) in answers[str(number)]["body"]["@odata.context"]
        assert [answer["id"] for answer in reply.body["responses"]] != sorted(answers, key=int)
        inner = answers["18"]["body"]["error"]["innerError"]
        assert inner["request-id"] == reply.headers["request-id"]

    books = rehearse(act)
    assert (books["requests"], books["batches"], books["parts"]) == (1, 1, 20)


def test_four_parts_run_at_a_time_whatever_their_mailboxes() -> None:
    async def act(desk: Desk) -> None:
        await desk.batch(*parts(*(f"{desk.user(n)}/mailboxSettings" for n in range(20))))

    assert rehearse(act, latency=0.01)["most_in_flight"] == 4
    assert rehearse(act, latency=0.01, batch="all")["most_in_flight"] == 20


@pytest.mark.parametrize(("rule", "most"), [("four", 12), ("app", 4)])
def test_batches_side_by_side(rule: str, most: int) -> None:
    async def act(desk: Desk) -> None:
        async with asyncio.TaskGroup() as group:
            for start in (0, 20, 40):
                urls = [f"{desk.user(start + n)}/mailboxSettings" for n in range(8)]
                group.create_task(desk.batch(*parts(*urls)))

    def play(times: int) -> None:
        assert rehearse(act, latency=0.2 * times, batch=rule)["most_in_flight"] == most

    patiently(play)


def test_parts_and_plain_requests_share_the_four_of_a_mailbox() -> None:
    async def act(desk: Desk) -> None:
        url = f"{desk.user()}/mailboxSettings"
        async with asyncio.TaskGroup() as group:
            plain = [group.create_task(desk.get(url)) for _ in range(2)]
            batch = group.create_task(desk.batch(*parts(*[url] * 4)))
        statuses = [answer["status"] for answer in batch.result().body["responses"]]
        statuses += [reply.result().status for reply in plain]
        assert sorted(statuses) == [200] * 4 + [429] * 2

    books = patiently(lambda times: rehearse(act, latency=0.5 * times))
    assert (books["breaches"], books["most_in_flight_per_mailbox"]) == ({"MailboxConcurrency": 2}, 4)


def test_a_part_that_is_refused_has_its_own_wait() -> None:
    async def act(desk: Desk) -> None:
        reply = await desk.batch(*parts(*[f"{desk.user()}/mailboxSettings"] * 6))
        refused = [answer for answer in reply.body["responses"] if answer["status"] == 429]
        assert (reply.status, len(refused)) == (200, 2)
        for answer in refused:
            names = {name.lower(): value for name, value in answer["headers"].items()}
            assert names["retry-after"] == "1"
            assert answer["body"]["error"]["code"] == "ApplicationThrottled"

    assert rehearse(act, latency=0.05, batch="all")["breaches"] == {"MailboxConcurrency": 2}


def test_what_depends_on_a_failure_is_not_tried() -> None:
    async def act(desk: Desk) -> None:
        chain: list[dict[str, Any]] = list(parts("/users?$top=1", "/users/nobody@tenant.example", "/groups", "/groups"))
        for number, part in enumerate(chain[1:]):
            part["dependsOn"] = [str(number)]
        reply = await desk.batch(*chain)
        assert {a["id"]: a["status"] for a in reply.body["responses"]} == {"0": 200, "1": 404, "2": 424, "3": 424}

    books = rehearse(act, latency=0.01)
    assert "GET /groups" not in books["routes"]
    assert books["most_in_flight"] == 1


def test_a_part_without_a_body_has_none_and_bytes_travel_as_base64() -> None:
    async def act(desk: Desk) -> None:
        letter = (await desk.get(f"{desk.user()}/messages?$top=2")).body["value"]
        base = f"{desk.user()}/messages"
        reply = await desk.batch(
            {"id": "raw", "method": "GET", "url": f"{base}/{letter[1]['id']}/$value"},
            {"id": "gone", "method": "DELETE", "url": f"{base}/{letter[0]['id']}"},
        )
        answers = {answer["id"]: answer for answer in reply.body["responses"]}
        assert answers["gone"] == {"id": "gone", "status": 204}
        assert b"Subject:" in base64.b64decode(answers["raw"]["body"])

    rehearse(act)


def test_a_batch_of_more_than_four_megabytes_is_refused() -> None:
    async def act(desk: Desk) -> None:
        large = io.BytesIO(b"x" * (4 * 1024 * 1024 + 1))
        headers = {"Authorization": f"Bearer {desk.token}"}
        async with desk.session.post(f"{desk.sim.graph_url}/v1.0/$batch", data=large, headers=headers) as response:
            assert response.status == 413

    rehearse(act)
