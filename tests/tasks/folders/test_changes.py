"""A report of folders that goes on from the last run tells what has changed, and nothing else."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulkmail.sim import Settings
from bulkmail.sim.families.folders.content import INBOX, ROOT
from bulkmail.sim.families.folders.kind import FOLDER
from bulkmail.sim.tenant.store import Store
from bulkmail.testing.tenant import Tenant, open_tenant

TENANT = Settings(mailboxes=2, seed=11, absent=0.0, denied=0.0, moving=0.0, tls=False)


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    with open_tenant(tmp_path, TENANT) as found:
        found.grant("Mail.ReadBasic.All")
        yield found


def store_of(tenant: Tenant) -> Store:
    return FOLDER.of(tenant.simulator.world.mailboxes.write(0))


def night(tenant: Tenant, folder: Path, **more: Any) -> list[tuple[str, str, str]]:
    settings = {"state.path": str(folder.parent / "state.sqlite")}
    done = tenant.run("folders.report", folder, options={"since": "last", **more}, settings=settings)
    assert done.code == 0, done.err
    return [(row["change"], row["kind"], row["path"]) for row in done.rows]


def test_only_what_has_changed(tenant: Tenant, tmp_path: Path) -> None:
    store = store_of(tenant)
    gone = store.add({"displayName": "Gone", "isHidden": False}, INBOX)
    old = store.add({"displayName": "Old", "isHidden": False}, ROOT)
    first = night(tenant, tmp_path / "1")
    assert {change for change, _, _ in first} == {"listed"}
    before = tenant.books()["requests"]
    assert night(tenant, tmp_path / "2") == []
    assert tenant.books()["requests"] - before <= 2 + 2  # a token and one query a mailbox, which may be asked for twice
    store.remove(gone)
    store.change(old, {"displayName": "Renamed"})
    store.add({"displayName": "New", "isHidden": False}, ROOT)
    third = night(tenant, tmp_path / "3")
    assert {one for one in third if one[1] != "total" and one[2] in ("New", "Renamed")} == {
        ("changed", "folder", "New"), ("changed", "folder", "Renamed"),
    }  # fmt: skip
    counted = Counter((change, kind) for change, kind, _ in third)
    assert (counted["removed", "folder"], counted["changed", "total"]) == (1, 1)
    assert night(tenant, tmp_path / "4") == []


def test_a_link_that_the_service_has_forgotten_means_all_folders(tenant: Tenant, tmp_path: Path) -> None:
    first = night(tenant, tmp_path / "1")
    tenant.simulator.world.epoch += 1
    again = night(tenant, tmp_path / "2")
    assert {change for change, _, _ in again} == {"restarted"}
    assert sorted(one[1:] for one in again) == sorted(one[1:] for one in first)


def test_a_run_that_would_go_on_from_nothing_is_refused(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.run("folders.report", tmp_path, options={"since": "last"})
    assert done.code == 2
    assert "task.since" in done.err
