"""The stack as a job asks for it: what its parts start from."""

import pytest

from bulkmail.model import Response
from bulkmail.testing import Scripted, Tokens, run
from bulkmail.transport import StackSettings, stack
from tests.transport.rig import unheard


@pytest.mark.parametrize(("batch", "window"), [(0, 64), (2, 64), (4, 64), (8, 128), (20, 320)])
def test_batches_start_with_as_many_in_flight_as_keep_the_service_as_busy(batch: int, window: int) -> None:
    """Four parts of a batch are worked on at a time, so that a full one takes as long as five requests in a row."""

    async def main() -> int:
        async with stack(Scripted(lambda _: Response(200)), Tokens(), StackSettings(batch=batch), unheard) as built:
            return built.pace.statistics().window

    assert run(main()) == window
