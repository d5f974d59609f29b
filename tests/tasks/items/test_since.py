"""A run that goes on from the last one exports what is new and what has changed, and tells what is gone."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulkmail.sim import Fault, Settings
from bulkmail.sim.families.folders.content import INBOX, RECOVERABLE
from bulkmail.sim.families.messages.content import blank_message
from bulkmail.sim.families.messages.kind import MESSAGE
from bulkmail.sim.tenant.store import Store
from bulkmail.testing.tenant import Done, Tenant, open_tenant
from tests.tasks.items.truth import WHOLE, check, exported

TENANT = Settings(mailboxes=3, seed=8, items=30, **WHOLE)


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    with open_tenant(tmp_path, TENANT) as found:
        yield found


def store_of(tenant: Tenant, number: int) -> Store:
    return MESSAGE.of(tenant.simulator.world.mailboxes.write(number))


def night(tenant: Tenant, folder: Path, **more: Any) -> Done:
    settings = {"state.path": str(folder.parent / "state.sqlite")}
    done = tenant.run("items.export", folder, options={"since": "last", **more}, settings=settings)
    assert done.code == 0, done.err
    return done


def test_only_what_is_new_changed_or_removed(tenant: Tenant, tmp_path: Path) -> None:
    first = night(tenant, tmp_path / "1")
    assert Counter((row["state"], row["change"]) for row in first.rows) == {("exported", ""): 90}
    assert night(tenant, tmp_path / "2").rows == []
    store = store_of(tenant, 1)
    old = [one for one in store.items.values() if one.parent == INBOX and one.props["createdDateTime"] < "2026"]
    store.change(old[0], {"subject": "changed"})
    store.remove(old[1])
    new = store.add(blank_message("2099-01-01T00:00:00Z"), INBOX)
    third = exported(night(tenant, tmp_path / "3"))
    assert {name: (row["state"], row["change"]) for name, row in third.items()} == {
        store.id_of(old[0]): ("exported", "changed"),
        store.id_of(old[1]): ("removed", "removed"),
        store.id_of(new): ("exported", "new"),
    }
    assert night(tenant, tmp_path / "4").rows == []


def test_what_failed_is_tried_again_by_the_next_run(tenant: Tenant, tmp_path: Path) -> None:
    tenant.simulator.world.script.load([Fault("item-error", match="exportItems/", share=0.2, code="ErrorCorruptData")])
    first = night(tenant, tmp_path / "1")
    failed = {row["item_id"] for row in first.rows if row["state"] == "failed"}
    assert 5 < len(failed) < 60
    gone = min(failed)
    for number in range(3):
        store = store_of(tenant, number)
        if (item := store.find(gone)) is not None:
            store.remove(item)
    tenant.simulator.world.script.load([])
    second = exported(night(tenant, tmp_path / "2"))
    assert {name for name, row in second.items() if row["state"] == "exported"} == failed - {gone}
    assert all(row["folder"] for row in second.values())
    assert night(tenant, tmp_path / "3").rows == []


def test_links_that_the_service_has_forgotten_mean_all_items(tenant: Tenant, tmp_path: Path) -> None:
    night(tenant, tmp_path / "1")
    tenant.simulator.world.epoch += 1
    assert len(night(tenant, tmp_path / "2").rows) == 90


def test_a_folder_in_an_archive_of_its_own_is_told_and_not_gone_to(tenant: Tenant, tmp_path: Path) -> None:
    inbox = tenant.contents("streams", tenant.addresses()[0])[0]["folder"]
    moved = Fault("redirect", match=f"/folders/{inbox}/items/delta", status=308)
    tenant.simulator.world.script.load([moved])
    done = tenant.run("items.export", tmp_path / "1", addresses=tenant.addresses()[:1])
    told = [row for row in done.rows if row["state"] == "failed"]
    assert len(told) == 1
    assert told[0]["error"].endswith("the folder lies in an archive, which was not gone to")
    assert len(done.rows) < 31
    assert tenant.books()["foreign"]["requests"] == {}


def test_what_can_be_recovered_is_an_option(tenant: Tenant, tmp_path: Path) -> None:
    store = store_of(tenant, 0)
    store.move(next(iter(store)), RECOVERABLE)
    addresses = tenant.addresses()[:1]
    without = tenant.run("items.export", tmp_path / "1", addresses=addresses)
    assert len(without.rows) == 29
    done = tenant.run("items.export", tmp_path / "2", addresses=addresses, options={"recoverable": True})
    rows = check(done, tenant, addresses[0])
    assert [row["folder"] for row in rows.values() if row["well_known"].startswith("recoverable")] == [
        "Recoverable Items/Deletions"
    ]


def test_a_run_that_would_go_on_from_nothing_is_refused(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.run("items.export", tmp_path, options={"since": "last"})
    assert done.code == 2
    assert "task.since" in done.err
