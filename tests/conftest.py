"""What all tests have in common: how long they look, how many at a time, and in which order.

Property tests try a hundred examples, or with `--hypothesis-profile thorough` five times as many. No time is ever
asserted: a machine that is busy makes nothing fail.
"""

import gc
import os
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, settings

os.environ["XDG_STATE_HOME"] = mkdtemp(prefix="bulkmail-tests-")  # runs of tests meet only each other

SLOW = [HealthCheck.too_slow]
settings.register_profile("quick", deadline=None, suppress_health_check=SLOW)
settings.register_profile("thorough", deadline=None, suppress_health_check=SLOW, max_examples=500)
settings.load_profile("quick")

LONGEST = ("tests/test_torture", "tests/acceptance/", "tests/sim/test_graph_sdk", "tests/core/test_pace_limits")
"""Files that come first, so that no core is left with one of them when the others are done."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, since tests wait for processes and clocks: on two cores 74 s instead of 99."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()  # modules and tests are here to stay
