"""Blobs in a place that all see: a run alone and workers write there, rows name it, and later runs read from there."""

import io
import tarfile
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
from tests.cluster import leaving
from tests.cluster.leaving import BLOBS
from tests.cluster.within import Within, within
from tests.patient import patiently
from tests.sink import stores

assert stores.Strict.protocol == "strict"  # is known by this name from now on
TENANT = Settings(
    mailboxes=30, seed=5, items=90, largest_item=4_000, absent=0.0, denied=0.0, moving=0.0, tls=False, latency=0.01
)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with open_tenant(tmp_path_factory.mktemp("tenant"), TENANT) as found:
        yield found


def place_of(scheme: str, tmp_path: Path) -> str:
    (tmp_path / "place").mkdir()
    path = str(tmp_path / "place") if scheme in ("", "file") else f"exports-{tmp_path.name}"
    return f"{scheme}://{path}" if scheme else path


def require_whole(done: Done, place: str) -> Counter[str]:
    """Every blob lies in the place, at the path that its row has; returns what they are."""
    manifest = done.manifest
    assert manifest["output"]["blobs"] == place
    assert not (done.folder / "blobs").exists()
    depot, found = depot_of(done.folder / "blobs", place, manifest["id"]), Counter[str]()
    for row in done.rows:
        assert row["path"].startswith(f"{place}/{manifest['id']}/")
        with depot.open(row["path"]) as file:
            file.seek(row["offset"])
            assert sha256(file.read(row["bytes"])).hexdigest() == row["sha256"]
        found[f"{row['mailbox']} {row['number']}"] += 1
    looked = {one.check: one for one in verify(done.folder)}
    assert looked["blobs"].level is Level.PASS
    assert looked["blobs"].facts["blobs"] == len(done.rows)
    return found


LEAVING = f"{Path(leaving.__file__)}:leaving"
KILLED: Any = {"fatal": {7, 19, 31}}
CUT: Any = {"cut": {9, 25}}


@pytest.mark.parametrize(("scheme", "trouble"), [
    ("", None), ("", {}), ("", KILLED), ("memory", None), ("file", {}), ("strict", None), ("strict", KILLED),
    ("strict", CUT),
])  # fmt: skip
def test_each_blob_is_there_once(tenant: Tenant, tmp_path: Path, scheme: str, trouble: Any) -> None:
    def swept(times: int) -> None:
        own = tmp_path / f"{tmp_path.name}-{times}"
        own.mkdir()
        place, hosts = place_of(scheme, own), Within(3, **(trouble or {}), seconds=1.5 * times)
        sweeping: Sweeping = alone if trouble is None else within(hosts)
        given = {"output.blobs": place, "cluster.lease": 1.0 * times}
        done = tenant.run(LEAVING, own / "a", settings=given, sweeping=sweeping)
        assert done.code == 0, done.err
        assert bool(hosts.troubles) == bool(trouble)
        found = require_whole(done, place)
        assert found.total() == len(found) == TENANT.mailboxes * BLOBS

    patiently(swept)  # a machine that stands still for a lease has lost all workers


@pytest.mark.parametrize("scheme", ["", "strict"])
def test_an_export_is_verified_where_it_lies(tenant: Tenant, tmp_path: Path, scheme: str) -> None:
    given, few = {"output.blobs": place_of(scheme, tmp_path)}, tenant.addresses(1)
    done = tenant.run("items.export", tmp_path / "a", settings=given, addresses=few)
    options = {"source": str(done.folder), "how": "offline"}
    proved = tenant.run("items.verify", tmp_path / "b", options=options, addresses=few)
    assert proved.code == 0, proved.err
    assert Counter(row["state"] for row in proved.rows) == {"equal": TENANT.items}


def test_an_archive_in_a_store_is_its_parts_put_together(tenant: Tenant, tmp_path: Path) -> None:
    place, few = place_of("file", tmp_path), tenant.addresses(1)
    done = tenant.run("items.export", tmp_path / "a", settings={"output.blobs": place}, addresses=few)
    [folder] = (tmp_path / "place" / done.manifest["id"]).glob("2-*")
    parts = sorted(folder.glob("items-*.tar"))
    assert len(parts) > 1
    with tarfile.open(fileobj=io.BytesIO(b"".join(part.read_bytes() for part in parts))) as archive:
        assert len(archive.getnames()) == TENANT.items


def test_a_place_that_is_not_there_is_told_before_anything_is_asked(tenant: Tenant, tmp_path: Path) -> None:
    before = tenant.books()["statuses"]
    done = tenant.run("items.export", tmp_path / "a", settings={"output.blobs": str(tmp_path / "gone")})
    assert done.code == 7
    assert "there is no folder" in done.err
    assert tenant.books()["statuses"] == before
