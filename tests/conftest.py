"""What all tests have in common: how long they look, how many at a time, and in which order.

Property tests try a hundred examples, or with `--hypothesis-profile thorough` five times as many; in CI always the
same ones, so that a change is judged by what it changes. Dice fall the same way each time a test is run. No time is
ever asserted: a machine that is busy makes nothing fail.
"""

import gc
import os
import random
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, settings

os.environ["XDG_STATE_HOME"] = mkdtemp(prefix="bulkmail-tests-")  # runs of tests meet only each other
os.environ.pop("COLUMNS", None)  # of the terminal that tests are started from

SLOW = [HealthCheck.too_slow]
settings.register_profile("quick", deadline=None, suppress_health_check=SLOW)
settings.register_profile("thorough", deadline=None, suppress_health_check=SLOW, max_examples=500)
settings.register_profile("same", settings.get_profile("quick"), derandomize=True, database=None)
settings.load_profile("same" if os.environ.get("CI") else "quick")

LONG = (
    "tests/acceptance/", "tests/cli/test_check", "tests/cli/test_setup", "tests/cluster/test_blobs",
    "tests/cluster/test_masking", "tests/cluster/test_suspects", "tests/cluster/test_sweeping",
    "tests/cluster/test_troubles", "tests/core/pace/",
    "tests/hostile/", "tests/report/page/test_browser", "tests/sim/test_graph_sdk", "tests/sim/test_office365",
    "tests/tasks/attachments/test_strip", "tests/tasks/calendar/test_apply", "tests/tasks/folders/test_report",
    "tests/tasks/items/", "tests/tasks/mailbox/", "tests/tasks/rules/test_remove", "tests/tasks/rules/test_report",
    "tests/test_torture", "tests/transport/test_odd_mailbox", "tests/transport/test_outage",
)  # fmt: skip
"""Files with half of all the time: marked `long`, and left to `make gate`. They come first, so that no core is left
with one of them when the others are done."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, since tests wait for processes and clocks: on two cores 74 s instead of 99."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    random.seed(item.nodeid)  # of pauses that are spread, and the like: none of them fails by luck


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(LONG):
            item.add_marker("long")
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()  # modules and tests are here to stay
