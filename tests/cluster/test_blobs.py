"""Blobs in a place that all see: a run alone and workers write there, rows name it, and later runs read from there."""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bulkmail.app.finding import Level
from bulkmail.app.sweeping import Sweeping, alone
from bulkmail.app.verify import verify
from bulkmail.sim import Settings
from bulkmail.sink.depot import depot_of
from bulkmail.testing.tenant import Done, Tenant, open_tenant
from tests.cluster.within import Within, within

TENANT = Settings(mailboxes=12, seed=5, items=30, absent=0.0, denied=0.0, moving=0.0, tls=False, latency=0.01)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with open_tenant(tmp_path_factory.mktemp("tenant"), TENANT) as found:
        yield found


@pytest.fixture(params=["folder"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    (tmp_path / "place").mkdir()
    return {"folder": str(tmp_path / "place")}[request.param]


def require_whole(done: Done, place: str) -> Counter[str]:
    """Every stream lies in the place, at the path that its row has; returns what they are."""
    manifest = done.manifest
    assert manifest["output"]["blobs"] == place
    assert not (done.folder / "blobs").exists()
    depot, found = depot_of(done.folder / "blobs", place, manifest["id"]), Counter[str]()
    for row in done.rows:
        assert row["file"].startswith(f"{place}/{manifest['id']}/")
        with depot.open(row["file"]) as file:
            file.seek(row["offset"])
            assert sha256(file.read(row["bytes"])).hexdigest() == row["sha256"]
        found[f"{row['mailbox']} {row['item_id']} {row['sha256']}"] += 1
    looked = {one.check: one for one in verify(done.folder)}
    assert looked["blobs"].level is Level.PASS
    assert looked["blobs"].facts["blobs"] == len(done.rows)
    return found


@pytest.mark.parametrize("trouble", [None, {}, {"fatal": {7, 19, 31}}, {"cut": {9, 25}}],
                         ids=["alone", "calm", "killed", "cut off"])  # fmt: skip
def test_each_stream_is_there_once(tenant: Tenant, tmp_path: Path, place: str, trouble: Any) -> None:
    hosts = Within(3, **(trouble or {}))
    sweeping: Sweeping = alone if trouble is None else within(hosts)
    given = {"output.blobs": place, "cluster.lease": 1.0}
    done = tenant.run("items.export", tmp_path / "a", settings=given, sweeping=sweeping)
    assert done.code == 0, done.err
    assert bool(hosts.troubles) == bool(trouble)
    found = require_whole(done, place)
    assert found.total() == len(found) == 12 * 30


def test_an_export_is_verified_where_it_lies(tenant: Tenant, tmp_path: Path, place: str) -> None:
    given = {"output.blobs": place}
    done = tenant.run("items.export", tmp_path / "a", settings=given, addresses=tenant.addresses(3))
    options = {"source": str(done.folder), "how": "offline"}
    proved = tenant.run("items.verify", tmp_path / "b", options=options, addresses=tenant.addresses(3))
    assert proved.code == 0, proved.err
    assert Counter(row["state"] for row in proved.rows) == {"equal": 3 * 30}
