"""A short slice of `make torture`: some kills at random moments and at seams, each until complete and judged."""

import os
import sys
from collections.abc import Iterator

import pytest

from tests.torture.kills import kill
from tests.torture.points import struck
from tests.torture.round import Ground, open_ground
from tests.torture.seams import Harm
from tests.torture.trials import TRIALS

pytestmark = pytest.mark.skipif(
    not (os.name == "posix" and sys.platform == "linux"), reason="forks, and kills by pidfd"
)
KEYED = next(trial for trial in TRIALS if trial.name == "contacts.sync-new")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with open_ground(KEYED, tmp_path_factory.mktemp("ground"), 1, faults=True, mailboxes=2000) as opened:
        yield opened


def test_nothing_is_lost_and_nothing_done_twice(ground: Ground) -> None:
    found = kill(ground, seed=1, kills=2, anew=0)
    assert found.kills >= 2
    assert found.wrong == []


def test_a_write_that_is_torn_by_a_kill(ground: Ground) -> None:
    work = ground.rounds(1, 6)[0]
    with ground.starter() as start:
        found = struck(start, work, Harm(30, "torn", str(work.out.resolve()), files=True))
    assert (found.points, found.wrong) == (1, [])
