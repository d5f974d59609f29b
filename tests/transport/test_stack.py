"""The stack as a job asks for it: what its parts start from."""

import pytest

from bulkmail.core.pace.pace import CEILING, START
from bulkmail.model import Response
from bulkmail.testing import Scripted, Tokens, run
from bulkmail.transport import StackSettings, stack
from tests.transport.rig import unheard


def window(settings: StackSettings) -> int:
    async def main() -> int:
        async with stack(Scripted(lambda _: Response(200)), Tokens(), settings, unheard) as built:
            return built.pace.statistics().window

    return run(main())


@pytest.mark.parametrize(("batch", "times"), [(0, 1), (2, 1), (4, 1), (8, 2), (20, 5)])
def test_batches_start_with_as_many_in_flight_as_keep_the_service_as_busy(batch: int, times: int) -> None:
    """Four parts of a batch are worked on at a time, so that a full one takes as long as five requests in a row."""
    assert window(StackSettings(batch=batch)) == START * times


@pytest.mark.parametrize(("batch", "times"), [(0, 1), (4, 1), (8, 2), (20, 2)])
def test_more_is_in_flight_in_batches_as_far_as_one_process_can_handle_it(batch: int, times: int) -> None:
    assert window(StackSettings(batch=batch, start=1_000_000)) == CEILING * times
