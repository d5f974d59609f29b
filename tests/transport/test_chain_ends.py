"""How a chain ends that does not leave, or of which nothing is known: each link hears it, and at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from bulkmail.core.batch import Alone, Pause, Readmit
from bulkmail.core.slots.chain import Chain
from bulkmail.errors import NOT_SENT
from bulkmail.model import Request, Response
from bulkmail.testing import run
from bulkmail.transport.chain import Chaining, chaining
from tests.transport.exchange import write


class Post:
    """Where posts go: each is answered, or ends, as `end` says."""

    def __init__(self, end: Callable[[], Response] | None = None) -> None:
        self.posts = 0
        self.end = end
        self.hangs = asyncio.Event()

    async def send(self, _request: Request, /) -> Response:
        self.posts += 1
        if self.end is None:
            await self.hangs.wait()
            raise AssertionError
        return self.end()


@asynccontextmanager
async def links(
    post: Post, *, held: bool = False, pause: Pause | None = None
) -> AsyncIterator[tuple[Chaining, Chain, list[asyncio.Task[Response]]]]:
    """Two links of one chain, on their way."""
    async with chaining(post, held=lambda _: held, pause=pause or Pause(lambda: 0.0)) as transport:
        chain = Chain(2)
        waiting = [asyncio.create_task(transport.send(write(number, chain=chain))) for number in range(2)]
        await asyncio.sleep(0)
        yield transport, chain, waiting


async def ends_of(waiting: list[asyncio.Task[Response]]) -> list[BaseException | None]:
    await asyncio.wait(waiting)
    return [one.exception() for one in waiting]


def test_a_chain_whose_fence_rises_in_the_turn_in_which_it_is_launched_does_not_leave() -> None:
    async def main() -> None:
        post, looked = Post(), iter([False, True])
        async with chaining(post, held=lambda _: next(looked), pause=Pause(lambda: 0.0)) as transport:
            asked = asyncio.create_task(transport.send(write(1, chain=Chain(1))))
            assert [type(error) for error in await ends_of([asked])] == [Readmit]
        assert post.posts == 0

    run(main())


def test_a_link_that_comes_when_its_chain_has_left_is_admitted_again() -> None:
    async def main() -> None:
        async with links(Post(lambda: Response(503))) as (transport, chain, waiting):
            assert [type(error) for error in await ends_of(waiting)] == [Alone, Alone]
            assert not chain.open
            with pytest.raises(Readmit):
                await transport.send(write(3, chain=chain))

    run(main())


def test_a_link_that_is_cancelled_before_its_chain_leaves_was_not_sent() -> None:
    async def main() -> None:
        post = Post()
        async with links(post) as (_, _, waiting):
            for one in waiting:
                one.cancel()
            await asyncio.wait(waiting)
            for one in waiting:
                with pytest.raises(asyncio.CancelledError) as caught:
                    one.result()
                assert caught.value.__notes__ == [NOT_SENT]
        assert post.posts == 0

    run(main())


def test_a_fence_that_has_risen_meanwhile_holds_the_chain() -> None:
    async def main() -> None:
        post = Post()
        async with links(post, held=True) as (_, _, waiting):
            assert [type(error) for error in await ends_of(waiting)] == [Readmit, Readmit]
        assert post.posts == 0

    run(main())


def test_while_the_service_wants_no_batches_links_go_plain() -> None:
    async def main() -> None:
        post, pause = Post(), Pause(lambda: 0.0)
        pause.until = asyncio.get_running_loop().time() + 9
        async with links(post, pause=pause) as (_, _, waiting):
            assert [type(error) for error in await ends_of(waiting)] == [Alone, Alone]
        assert post.posts == 0

    run(main())


def test_a_mistake_below_is_told_to_each_link() -> None:
    def mistaken() -> Response:
        raise ValueError("a mistake")

    async def main() -> None:
        async with links(Post(mistaken)) as (_, chain, waiting):
            assert [str(error) for error in await ends_of(waiting)] == ["a mistake", "a mistake"]
            assert not chain.sound

    run(main())


def test_what_has_not_left_when_all_is_given_up_is_cancelled() -> None:
    async def main() -> None:
        post = Post()
        async with links(post) as (transport, chain, waiting):
            assert "1 to be posted" in repr(transport)
            assert "2 links" in repr(chain)
            transport.abandon()
            await asyncio.wait(waiting)
            assert all(one.cancelled() for one in waiting)
        assert post.posts == 0

    run(main())


def test_what_is_under_way_when_all_is_given_up_is_cancelled() -> None:
    async def main() -> None:
        post, waiting = Post(), list[asyncio.Task[Response]]()

        async def work() -> None:
            async with links(post) as (_, _, on_their_way):
                waiting.extend(on_their_way)
                await asyncio.sleep(9)

        working = asyncio.create_task(work())
        await asyncio.sleep(1)
        working.cancel()
        await asyncio.wait([working])
        await asyncio.wait(waiting)
        assert post.posts == 1
        assert all(one.cancelled() for one in waiting)

    run(main())
