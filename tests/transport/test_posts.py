"""An error of the block comes out of it as it is, with its cause."""

import asyncio

import pytest

from bulkmail.errors import GraphError, PermissionMissing
from bulkmail.model import Response
from bulkmail.testing import Tokens, run
from bulkmail.transport import StackSettings, stack
from bulkmail.transport.posts import posting
from tests.transport.rig import unheard


class Never:
    async def send(self, _request: object, /) -> Response:
        raise AssertionError


@pytest.mark.parametrize("batch", [0, 20])
def test_what_is_raised_beside_a_stack_is_raised(batch: int) -> None:
    async def main() -> None:
        cause = GraphError(403, "Denied", "no")
        with pytest.raises(PermissionMissing) as caught:
            async with stack(Never(), Tokens(), StackSettings(batch=batch), unheard):
                raise PermissionMissing("not allowed") from cause
        assert caught.value.__cause__ is cause

    run(main())


def test_two_errors_stay_a_group() -> None:
    async def post() -> None:
        raise ValueError("of a post")

    async def main() -> None:
        async def work() -> None:
            async with posting() as posts:
                posts.create_task(post())
                posts.create_task(post())
                await asyncio.sleep(1)

        with pytest.raises(BaseExceptionGroup) as caught:
            await work()
        assert len(caught.value.exceptions) == 2

    run(main())
