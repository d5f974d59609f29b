"""The token: on every request, renewed when it is refused, and nowhere to be seen."""

import asyncio
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from bulkmail.core.access import Access
from bulkmail.core.retry import RetryRules
from bulkmail.errors import OutcomeUnknown, SignInError
from bulkmail.model import NOTHING, Request, Response
from bulkmail.testing import Scripted, Tokens, run
from bulkmail.transport import StackSettings, stack
from bulkmail.transport.authorize import Authorizing
from tests.transport.rig import Unbatching, get, part_requests, throttled, together, unheard

OK = Response(200, body={})
CLAIMS = '{"access_token":{}}'
CHALLENGE = {"www-authenticate": f'Bearer error="insufficient_claims", claims="{b64encode(CLAIMS.encode()).decode()}"'}


def wants(token: str, challenge: dict[str, str] | None = None) -> Scripted:
    """A service that accepts one token only."""

    def answer(request: Request) -> Response:
        return OK if request.headers["Authorization"] == f"Bearer {token}" else Response(401, challenge or {})

    return Scripted(answer)


def test_every_request_carries_the_token_and_its_own_headers() -> None:
    service = wants("token-1")
    request = get(headers={"Prefer": "x"})
    assert run(Authorizing(service, Tokens()).send(request)) is OK
    assert service.requests[0].headers == {"Prefer": "x", "Authorization": "Bearer token-1"}
    assert request.headers == {"Prefer": "x"}


@pytest.mark.parametrize(("challenge", "claims"), [(CHALLENGE, CLAIMS), ({}, "")])
def test_after_a_401_the_request_is_sent_once_more_with_another_token(challenge: dict[str, str], claims: str) -> None:
    async def main() -> None:
        service, tokens = wants("token-2", challenge), Tokens()
        async with stack(service, tokens, StackSettings(), unheard) as stacked:
            stacked.lanes.enter("ada")
            assert await stacked.transport.send(get()) is OK
            assert stacked.lanes.leave("ada").requests == 2, "both passed the limiter"
        assert tokens.claims == [claims]
        assert len(service.requests) == 2

    run(main())


class SlowTokens:
    """Has a first token at once, and takes a minute for any other."""

    def __init__(self) -> None:
        self._renewed = asyncio.Event()

    async def token(self, *, refused: str = "", claims: str = "") -> str:
        if not refused:
            return "token-1"
        asyncio.get_running_loop().call_later(60, self._renewed.set)
        await self._renewed.wait()
        return "token-2"


@pytest.mark.parametrize("batch", [0, 5])
@pytest.mark.parametrize("code", ["ApplicationThrottled", "TooManyRequests"])
def test_a_fence_that_rises_while_a_token_is_waited_for_is_kept(code: str, batch: int) -> None:
    async def main() -> None:
        clock = asyncio.get_running_loop().time
        answers = {
            "/users/ada/refused": [(1.0, Response(401))],
            "/users/ada/throttled": [(30.0, throttled(600, code))],
        }
        came: list[tuple[str, float]] = []

        async def answer(request: Request) -> Response:
            came.append((request.path, clock()))
            left = answers.get(request.path)
            seconds, response = left.pop() if left else (0.1, OK)
            await asyncio.sleep(seconds)
            return response

        async with stack(Unbatching(answer), SlowTokens(), StackSettings(batch=batch), unheard) as stacked:
            stacked.lanes.enter("ada")
            first = asyncio.create_task(stacked.transport.send(get("/users/ada/throttled", batchable=False)))
            others = [stacked.transport.send(get(path)) for path in ("/users/ada/refused", "/users/ada/x")]
            assert [one.status for one in await together(*others)] == [200, 200]
            assert (await first).status == 200
            assert stacked.lanes.leave("ada").requests == 5, "who was recalled is counted once"
        early = [path for path, at in came if 31.0 < at < 630.0]
        assert early == []

    run(main())


def test_a_mailbox_that_is_refused_alone_is_its_own_outcome_after_a_few_seconds() -> None:
    async def main() -> None:
        service, tokens = wants("another"), Tokens()
        async with stack(service, tokens, StackSettings(), unheard) as stacked:
            assert (await stacked.transport.send(get())).status == 401
        assert len(service.requests) == 4
        assert tokens.issued == 2
        assert asyncio.get_running_loop().time() == pytest.approx(3.0)

    run(main())


class Picky:
    """A service that refuses some mailboxes with every token, and all mailboxes without the `good` one, if any is."""

    def __init__(self, refuses: Callable[[str], bool], challenge: Mapping[str, str] = NOTHING) -> None:
        self._refuses = refuses
        self._refusal = Response(401, challenge, {"error": {"code": "UnknownError", "message": ""}})
        self.asked: Counter[str] = Counter()
        self.good = ""

    async def answer(self, request: Request) -> Response:
        self.asked[request.mailbox] += 1
        await asyncio.sleep(0.1)
        return self._refusal if self._refuses(request.mailbox) else OK

    async def send(self, request: Request, /) -> Response:
        if self.good and request.headers["Authorization"] != f"Bearer {self.good}":
            await asyncio.sleep(0.1)
            return Response(401)
        return await Unbatching(self.answer).send(request)


async def ends_of(service: Picky, tokens: Tokens, batch: int, mailboxes: int) -> list[int | str]:
    """How a request to each mailbox ends, eight at a time: its status, or the name of its error."""
    ends: list[int | str] = []
    async with stack(service, tokens, StackSettings(batch=batch), unheard) as stacked:
        left = iter(range(mailboxes))

        async def work() -> None:
            for number in left:
                try:
                    ends.append((await stacked.transport.send(get(f"/users/m{number}/x", f"m{number}"))).status)
                except SignInError as error:
                    ends.append(type(error).__name__)
                    return

        await together(*(work() for _ in range(8)))
    return ends


@pytest.mark.parametrize("batch", [0, 20])
@pytest.mark.parametrize("challenge", [{}, CHALLENGE])
@pytest.mark.parametrize("odd", [["m500"], ["m0"], [f"m{number}" for number in range(0, 2000, 40)]])
def test_mailboxes_that_refuse_a_token_with_which_others_are_read_are_their_own_outcome(
    odd: list[str], challenge: dict[str, str], batch: int
) -> None:
    service, tokens = Picky(lambda mailbox: mailbox in odd, challenge), Tokens()
    ends = run(ends_of(service, tokens, batch, 2000))
    assert Counter(ends) == {200: 2000 - len(odd), 401: len(odd)}
    assert tokens.issued <= 2, "the others keep their token"
    assert all(service.asked[mailbox] <= 4 for mailbox in odd)


@pytest.mark.parametrize("batch", [0, 20])
def test_a_tenant_that_lets_none_in_ends_the_run_soon(batch: int) -> None:
    async def main() -> list[int | str]:
        ends = await ends_of(service, tokens, batch, 2000)
        assert asyncio.get_running_loop().time() < 5
        return ends

    service, tokens = Picky(lambda _mailbox: True), Tokens()
    assert run(main()) == ["SignInError"] * 8
    assert service.asked.total() <= 24
    assert tokens.issued == 2


@pytest.mark.parametrize("batch", [0, 20])
def test_a_token_that_is_revoked_on_the_way_is_renewed_and_fails_no_mailbox(batch: int) -> None:
    async def main() -> list[int | str]:
        asyncio.get_running_loop().call_later(5.05, setattr, service, "good", "token-2")
        return await ends_of(service, tokens, batch, 2000)

    service, tokens = Picky(lambda _mailbox: False), Tokens()
    assert run(main()) == [200] * 2000
    assert tokens.issued == 2


def test_the_directory_alone_shows_that_a_token_is_lost() -> None:
    async def main() -> None:
        service = Picky(lambda _mailbox: True)
        async with stack(service, Tokens(), StackSettings(), unheard) as stacked:
            with pytest.raises(SignInError, match="Graph refuses the token: UnknownError"):
                await stacked.transport.send(get(mailbox=""))
        assert service.asked.total() == 2

    run(main())


def test_a_401_of_one_part_renews_the_token_of_the_next_post() -> None:
    posts: list[tuple[str, int]] = []

    def answer(request: Request) -> Response:
        parts = part_requests(request)
        token = request.headers["Authorization"]
        posts.append((token, len(parts)))
        bad = {"status": 401, "headers": {"WWW-Authenticate": CHALLENGE["www-authenticate"]}}
        ends = [
            bad if token == "Bearer token-1" and part.path == "/eve" else {"status": 200, "body": {}} for part in parts
        ]
        return Response(200, body={"responses": [{"id": str(n), **end} for n, end in enumerate(ends)]})

    async def main() -> None:
        tokens = Tokens()
        async with stack(Scripted(answer), tokens, StackSettings(batch=2), unheard) as stacked:
            answers = await together(*(stacked.transport.send(get(f"/{key}", key)) for key in ("ada", "eve")))
        assert [one.status for one in answers] == [200, 200]
        assert tokens.claims == [CLAIMS]

    run(main())
    assert posts == [("Bearer token-1", 2), ("Bearer token-1", 1), ("Bearer token-2", 1)], "it may be the mailbox's own"


class Eager(Access):
    """Asks for another token whenever one was refused."""

    def __init__(self) -> None:
        super().__init__()
        self.renewing = True

    def renewed(self) -> None:
        super().renewed()
        self.renewing = True


def test_a_late_401_of_an_older_token_does_not_hide_the_latest() -> None:
    async def main() -> None:
        late = asyncio.Event()

        async def answer(request: Request) -> Response:
            if request.path == "/late":
                await late.wait()
            return OK if request.headers["Authorization"] == "Bearer token-3" else Response(401)

        tokens, access = Tokens(), Eager()
        transport = Authorizing(Scripted(answer), tokens, access)
        waiting = asyncio.create_task(transport.send(get("/late")))
        await asyncio.sleep(0)
        await transport.send(get())  # token-1 is refused
        await transport.send(get())  # token-2 is refused
        late.set()
        assert (await waiting).status == 401  # token-1 once more
        assert await transport.send(get()) is OK

    run(main())


class Locked:
    """A directory that gives no token."""

    async def token(self, *, refused: str = "", claims: str = "") -> str:
        raise SignInError("no token")


def test_no_token_ends_the_request_and_holds_nothing() -> None:
    async def main() -> None:
        service = wants("token-1")
        async with stack(service, Locked(), StackSettings(), unheard) as stacked:
            with pytest.raises(SignInError):
                await stacked.transport.send(get())
            assert stacked.pace.statistics().in_flight == 0
            assert not stacked.statistics().lanes
        assert not service.requests

    run(main())


@pytest.mark.parametrize("batch", [0, 3])
def test_a_token_is_in_no_error_answer_or_text(batch: int) -> None:
    async def main() -> None:
        def lose(request: Request) -> Response:
            assert "token-1" in request.headers["Authorization"]
            assert "token-1" not in repr(request)
            raise OutcomeUnknown("lost")

        settings = StackSettings(batch=batch, retries=RetryRules(attempts=1))
        async with stack(Scripted(lose), Tokens(), settings, unheard) as stacked:
            with pytest.raises(Exception, match="lost") as raised:
                await stacked.transport.send(get())
        texts = [repr(raised.value), str(raised.value), repr(raised.value.__context__), repr(stacked)]
        assert not any("token-1" in text for text in texts)

    run(main())
    assert "token" not in repr(run(Authorizing(wants("token-1"), Tokens()).send(get())))
