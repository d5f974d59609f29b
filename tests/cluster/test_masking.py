"""A masked run by workers is that of one process: what it leaves has no address in clear, but for one file."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bulkmail.sim import Settings
from bulkmail.testing.tenant import Done, open_tenant
from tests.cluster.leaving import BLOBS
from tests.cluster.test_blobs import CUT, KILLED, LEAVING
from tests.cluster.within import Within, within

TENANT = Settings(mailboxes=30, seed=3, absent=0.0, denied=0.1, moving=0.0, tls=False, latency=0.01)
DOMAIN = b"@tenant.example"


def require_masked(done: Done) -> None:
    """Neither a name nor a byte of a file tells who has a mailbox, but for what was asked for: the content of blobs."""
    files = [path for path in done.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"addresses.ndjson", "records.ndjson", "records.csv", "run.json"}
    for path in files:
        assert DOMAIN.decode() not in str(path)
        if path.name != "addresses.ndjson" and "blobs" not in path.parts:
            assert DOMAIN not in path.read_bytes(), path
    assert DOMAIN.decode() not in done.err


def seen(done: Done) -> Counter[str]:
    """The rows, and the lines of the CSV."""
    lines = (done.folder / "records.csv").read_text().splitlines()
    return Counter([*map(str, done.rows), *lines])


@pytest.mark.parametrize("task", [LEAVING, "rules.report"], ids=["blobs", "rules"])
@pytest.mark.parametrize("trouble", [{}, KILLED, CUT], ids=["calm", "killed", "cut off"])
def test_it_leaves_what_a_run_alone_leaves(tmp_path: Path, task: str, trouble: Any) -> None:
    with open_tenant(tmp_path, TENANT) as tenant:
        settings = {"output.mask": True, "output.mask_key": str(tmp_path / "key"), "cluster.lease": 1.0}
        alone = tenant.run(task, tmp_path / "alone", settings=settings)
        hosts = Within(3, **trouble)
        done = tenant.run(task, tmp_path / "shared", settings=settings, sweeping=within(hosts))
        assert bool(hosts.troubles) == bool(trouble)
        assert done.code == alone.code, done.err
        require_masked(done)
        assert done.statuses() == alone.statuses()
        assert all(name.startswith("mailbox-") for name in done.statuses())
        if not trouble or task == LEAVING:
            assert seen(done) == seen(alone)
        if task == LEAVING:
            paths = {row["path"] for row in done.rows}
            assert len(done.rows) == sum(one == "ok" for one in done.statuses().values()) * BLOBS
            assert all((done.folder / path).is_file() for path in paths)
