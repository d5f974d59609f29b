"""What the service makes a run wait for is in its outcomes and its summary, and no request left too early."""

import pytest

from bulkmail.sim import Fault, Settings
from bulkmail.testing.tenant import Done, open_tenant

REFUSED = Settings(
    mailboxes=30, absent=0.0, denied=0.0, moving=0.0,
    faults=(Fault("throttle", match="mailboxSettings", seconds=1.0, total=3),),
)  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("waits")
    with open_tenant(folder, REFUSED) as tenant:
        done = tenant.run("settings.report", folder / "job", "--no-progress")
        assert tenant.books()["early"] == 0
    assert done.code == 0
    return done


def test_an_outcome_says_how_long_and_for_whose_limit(done: Done) -> None:
    waited = [line for line in done.lines("outcomes.ndjson") if "waited_for" in line]
    assert sum(line["throttled"] for line in waited) == 3
    assert all(line["waited"] >= 1.0 for line in waited)
    assert all(line["waited_for"].endswith((", mailbox", ", application")) for line in waited)
    assert done.manifest["sums"]["throttled"] == 3


def test_the_summary_says_who_asked_how_often_and_how_long(done: Done) -> None:
    waits = done.manifest["waits"]
    assert sum(wait["times"] for wait in waits.values()) == 3
    for by, wait in waits.items():
        assert wait["seconds"] >= 1.0
        assert f"{wait['times']} times {by}: " in done.out
