"""A short slice of `make torture`: some kills at random moments and at seams, each until complete and judged."""

import os
import sys
from pathlib import Path

import pytest

from tests.torture.kills import kill
from tests.torture.points import struck
from tests.torture.round import open_ground
from tests.torture.seams import Harm
from tests.torture.trials import TRIALS

pytestmark = pytest.mark.skipif(
    not (os.name == "posix" and sys.platform == "linux"), reason="forks, and kills by pidfd"
)
KEYED = next(trial for trial in TRIALS if trial.name == "contacts.sync-new")


@pytest.mark.timeout(180)
def test_nothing_is_lost_and_nothing_done_twice(tmp_path: Path) -> None:
    with open_ground(KEYED, tmp_path, 1, faults=True) as ground:
        found = kill(ground, seed=1, kills=2, anew=0)
    assert found.kills >= 2
    assert found.wrong == []


@pytest.mark.timeout(180)
def test_a_write_that_is_torn_by_a_kill(tmp_path: Path) -> None:
    with open_ground(KEYED, tmp_path, 1, faults=False, latency="5ms") as ground:
        work = ground.rounds(1, 6)[0]
        with ground.starter() as start:
            found = struck(start, work, Harm(30, "torn", str(work.out.resolve()), files=True))
    assert (found.points, found.wrong) == (1, [])
