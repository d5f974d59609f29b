"""What goes to a pre-signed address keeps the limits of its mailbox, and says nothing about Graph and its tokens."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from bulkmail.address import Address
from bulkmail.errors import OutcomeUnknown
from bulkmail.model import NOTHING, Effect, Request, Response, Transport
from bulkmail.streams import Pieces
from bulkmail.testing import Scripted, Tokens, run
from bulkmail.transport import Stack, StackSettings, stack
from tests.transport.rig import unheard

MB = 1_000_000
GOOD = Response(200, body={"itemId": "new"})


def busy(seconds: str) -> Response:
    headers = {"retry-after": seconds} if seconds else NOTHING
    return Response(429, headers, {"error": {"code": "TooManyRequests", "message": "no"}})


@dataclass(slots=True)
class Host:
    """Stands for `Aside`: answers what goes to its address with `answers`, then well. Each takes `takes` seconds."""

    inner: Transport
    answers: list[Response | Exception] = field(default_factory=list)
    takes: float = 0.1
    left: list[tuple[float, int]] = field(default_factory=list)  # when, and bytes
    flying: int = 0
    most: int = 0

    async def send(self, request: Request, /) -> Response:
        if request.address is None:
            return await self.inner.send(request)
        size = request.pieces.size if request.pieces else len(request.content or b"")
        self.left.append((asyncio.get_running_loop().time(), size))
        self.flying += 1
        self.most = max(self.most, self.flying)
        await asyncio.sleep(self.takes)
        self.flying -= 1
        answer = self.answers.pop(0) if self.answers else GOOD
        if isinstance(answer, Exception):
            raise answer
        return answer


async def nothing() -> AsyncIterator[bytes]:
    yield b""


def body(size: int, mailbox: str = "ada@contoso.com") -> Request:
    return Request(
        "POST", "/pre-signed", mailbox, effect=Effect.KEYED, batchable=False, pieces=Pieces(size, nothing),
        address=Address("https://outlook.example/x"),
    )  # fmt: skip


def sent(requests: list[Request], *answers: Response | Exception) -> tuple[list[object], Host]:
    """What became of each, all at once, on a clock that jumps."""
    hosts: list[Host] = []

    def beside(inner: Transport) -> Transport:
        hosts.append(Host(inner, list(answers)))
        return hosts[-1]

    async def one(built: Stack, request: Request) -> object:
        try:
            return await built.transport.send(request)
        except OutcomeUnknown as error:
            return error

    async def main() -> list[object]:
        graph = Scripted(lambda request: pytest.fail(f"{request} was sent to Graph"))
        async with stack(graph, Tokens(), StackSettings(), unheard, beside=beside) as built:
            for request in requests:
                built.lanes.enter(request.lane)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(built, request)) for request in requests]
            return [task.result() for task in tasks]

    return run(main()), hosts[0]


def test_no_more_than_four_at_a_time_and_150_mb_in_five_minutes() -> None:
    answers, host = sent([body(9 * MB) for _ in range(60)])
    assert answers == [GOOD] * 60
    assert host.most <= 4
    for began, _ in host.left:
        assert sum(size for when, size in host.left if began <= when < began + 300) <= 150 * MB
    assert host.left[-1][0] < 4 * 300


def test_a_refusal_by_limits_is_waited_out_by_its_mailbox_alone() -> None:
    requests = [body(1), *(body(1, f"alan{number}@contoso.com") for number in range(9))]
    answers, host = sent(requests, busy("30"))
    assert answers == [GOOD] * 10
    [again] = [when for when, _ in host.left if when > 5]
    assert 30 <= again < 35


def test_without_a_time_it_is_waited_for_a_while() -> None:
    answers, host = sent([body(1)], busy(""), busy(""))
    assert answers == [GOOD]
    assert len(host.left) == 3
    assert host.left[2][0] >= 2


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503, 504])
def test_other_answers_are_the_tasks_to_look_at(status: int) -> None:
    """A 401 renews no token, and a 503 is no outage of Graph."""
    refusal = Response(status, {"retry-after": "9"}, {"error": {"code": "x"}})
    answers, host = sent([body(1)], refusal)
    assert answers == [refusal]
    assert len(host.left) == 1


def test_a_lost_answer_is_not_repeated() -> None:
    lost = OutcomeUnknown("lost")
    answers, host = sent([body(1) for _ in range(9)], *[lost] * 9)
    assert answers == [lost] * 9
    assert len(host.left) == 9
