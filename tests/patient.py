"""What has to happen within a moment is tried again with a longer one: a machine may stand still for any time, and a
fault is there whatever the moment is."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import pytest

T = TypeVar("T")
LENGTHS = (1, 8, 64)


def patiently(work: Callable[[int], T]) -> T:
    """What `work(times)` returns, in which each moment is so many times as long as it could be. It is tried once more
    with a longer one when it fails; what the last one raises is raised."""
    *shorter, longest = LENGTHS
    for times in shorter:
        with suppress(Exception, pytest.fail.Exception):
            return work(times)
    return work(longest)
