"""An error of the block comes out of it as it is, with its cause."""

import pytest

from bulkmail.errors import GraphError, PermissionMissing
from bulkmail.model import Response
from bulkmail.testing import Tokens, run
from bulkmail.transport import StackSettings, stack
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
    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with stack(Never(), Tokens(), StackSettings(), unheard):
                raise ExceptionGroup("of two", [ValueError("one"), ValueError("other")])
        assert len(caught.value.exceptions) == 2

    run(main())
