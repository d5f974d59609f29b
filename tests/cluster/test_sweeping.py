"""Workers do what a run alone does, whatever becomes of some of them."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkmail.sim import Settings
from bulkmail.testing.tenant import Tenant, open_tenant
from tests.cluster.within import Within, within

TENANT = Settings(mailboxes=120, seed=5, tls=False)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with open_tenant(tmp_path_factory.mktemp("tenant"), TENANT) as found:
        yield found


@pytest.mark.parametrize("workers", [1, 3])
def test_rows_and_outcomes_are_those_of_a_run_alone(tenant: Tenant, tmp_path: Path, workers: int) -> None:
    alone = tenant.run("settings.report", tmp_path / "alone")
    done = tenant.run("settings.report", tmp_path / "shared", sweeping=within(Within(workers)))
    assert done.code == alone.code, done.err
    assert done.statuses() == alone.statuses()
    assert Counter(map(str, done.rows)) == Counter(map(str, alone.rows))
    assert len(done.lines("outcomes.ndjson")) == len(alone.lines("outcomes.ndjson"))
