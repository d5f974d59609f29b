"""An export has a row for every item, its stream with the hash that it should have, and goes on where it was."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import ConfigError
from bulkmail.graph import Graph
from bulkmail.model import Checkpoint, Request, Response, Row, Transport
from bulkmail.sim import Fault, Settings
from bulkmail.tasks.items import clouds
from bulkmail.tasks.items.export import COMMIT_ITEMS, items_export
from bulkmail.tasks.items.item import COLUMNS
from bulkmail.tasks.items.options import ItemsExportOptions
from bulkmail.testing import Scripted, run
from bulkmail.testing.store import MemoryStore
from bulkmail.testing.tenant import Tenant, open_tenant
from tests.sim.desk import Desk, rehearse
from tests.tasks.items.truth import WHOLE, check, exported, graph_of
from tests.tasks.rig import Killed

ROLES = "User.Read.All", "MailboxFolder.Read.All", "MailboxItem.Read.All", "MailboxItem.Export.All"
FAULTS = (
    Fault("item-error", match="exportItems/", share=0.05, code="ErrorCorruptData"),
    Fault("item-dropped", match="exportItems/", share=0.04),
    Fault("reset-in-body", match="exportItems", total=2),
    Fault("not-json", match="exportItems", skip=1, total=1),
    Fault("page-repeat", match="/delta", share=0.5),
    Fault("status", match="exportItems", skip=2, total=2, status=503),
)
"""Calls are struck less often, all of them together, than one is repeated: none can fail for good."""

TENANT = Settings(mailboxes=6, seed=5, items=60, largest_item=2_000_000, faults=FAULTS, **WHOLE)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with open_tenant(tmp_path_factory.mktemp("tenant"), TENANT) as found:
        found.grant(*ROLES)
        yield found


def test_every_item_and_what_became_of_it(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.run("items.export", tmp_path)
    assert done.code == 0, done.err
    rows = [row for address in tenant.addresses() for row in check(done, tenant, address).values()]
    assert all(list(row) == list(COLUMNS) for row in done.rows)
    errors = Counter(row["error"].partition(":")[0] for row in rows if row["state"] == "failed")
    assert errors.keys() == {"ErrorCorruptData", "ItemDropped"}
    assert sum(errors.values()) + sum(row["state"] == "exported" for row in rows) == len(rows) == 6 * 60
    assert all(row["request_id"] for row in rows)
    [process] = done.manifest["processes"]
    assert all(process[name] for name in ("version", "started", "ended", "pid", "host", "user"))
    assert process["attempts"] >= done.manifest["sums"]["requests"] > 0
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-", process["requests"])
    assert done.manifest["sums"]["findings"] == len({row["mailbox"] for row in rows if row["state"] == "failed"})
    assert max(row["bytes"] or 0 for row in rows) > 1_000_000
    assert not tenant.books()["breaches"]


def test_ordinary_tools_open_and_check_the_archive(tenant: Tenant, tmp_path: Path) -> None:
    address = tenant.addresses()[0]
    done = tenant.run("items.export", tmp_path, addresses=[address], options={"types": ["IPM.Note"]})
    whole = [row for row in done.rows if row["state"] == "exported"]
    assert 0 < len(whole) < 60
    assert {row["type"] for row in whole} == {"IPM.Note", "IPM.Note.SMIME"}
    folder = done.folder / Path(whole[0]["file"]).parent
    command = "tar xmf items.tar && sha256sum -c sha256sums.txt"
    told = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.count(": OK\n") == len(whole)


def test_a_file_for_each_item(tenant: Tenant, tmp_path: Path) -> None:
    address = tenant.addresses()[1]
    done = tenant.run("items.export", tmp_path, addresses=[address], options={"layout": "files"})
    rows = [row for row in check(done, tenant, address).values() if row["state"] == "exported"]
    assert len({row["file"] for row in rows}) == len(rows)
    assert {row["offset"] for row in rows} == {0}
    folder = done.folder / Path(rows[0]["file"]).parent
    told = subprocess.run(
        ["sha256sum", "-c", "sha256sums.txt"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout.count(": OK\n")) == (0, len(rows))


def test_only_what_was_chosen(tenant: Tenant, tmp_path: Path) -> None:
    address = tenant.addresses()[2]
    options: dict[str, Any] = {
        "folders": ["inbox"],
        "smallest": 20_000,
        "largest": 200_000,
        "created_from": "2022-01-01",
    }
    done = tenant.run("items.export", tmp_path, addresses=[address], options=options)
    rows = exported(done)
    assert 0 < len(rows) < 60
    for row in rows.values():
        assert 20_000 <= row["size"] <= 200_000
        assert row["created"] >= "2022-01-01"
        assert row["well_known"] == "inbox" or "/" in row["folder"]


async def stopped(desk: Desk, store: MemoryStore, options: ItemsExportOptions) -> tuple[list[Row], int]:
    """The rows of processes that are each stopped after a checkpoint, and how many there were."""
    rows, checkpoint, left = list[Row](), store.checkpoint, store.state
    for processes in count(1):
        one = MemoryStore(checkpoint=checkpoint, state=left)
        async with graph_of(desk, one) as (mailbox, graph):
            running = items_export.run(mailbox, graph, options)
            async for row in running:
                if isinstance(row, Checkpoint):
                    checkpoint = row
                    break
                rows.append(row)
            else:
                store.state = one.state
                return rows, processes
            await running.aclose()  # type: ignore[attr-defined]
    raise AssertionError


def test_a_run_goes_on_within_a_mailbox_behind_the_last_checkpoint() -> None:
    """Stopped after each checkpoint in turn, it makes the same rows, none lost and none twice."""

    async def act(desk: Desk) -> None:
        rows, processes = await stopped(desk, MemoryStore(), ItemsExportOptions())
        assert 2 < processes < 50
        truth = {one["id"]: one for one in desk.sim.contents("streams", desk.sim.tenant.address(0))}
        assert len(rows) == len(truth) == 200
        assert {row["item_id"]: row["sha256"] for row in rows} == {name: one["sha256"] for name, one in truth.items()}
        calls = desk.sim.books()["routes"]["POST /admin/exchange/mailboxes/{}/exportItems"]["200"]
        assert calls < len(truth)

    rehearse(act, items=200, largest_item=1_000_000)


def test_what_is_tried_again_goes_on_behind_the_last_checkpoint_as_well() -> None:
    async def act(desk: Desk) -> None:
        last = MemoryStore()
        await stopped(desk, last, ItemsExportOptions())
        truth = list(desk.sim.contents("streams", desk.sim.tenant.address(0)))
        last.state["failed"] = [(one["folder"], one["id"]) for one in truth]
        rows, processes = await stopped(desk, MemoryStore(state=last.state), ItemsExportOptions(since="last"))
        assert processes > 2
        assert sorted(row["item_id"] for row in rows) == sorted(one["id"] for one in truth)

    rehearse(act, items=200)


@dataclass(slots=True)
class Deadly:
    """Keeps the ids that are asked for, and kills the process at a call for them."""

    inner: Transport
    asked: list[str]
    fatal: int | None
    sent: int = 0

    async def send(self, request: Request, /) -> Response:
        if request.path.endswith("/exportItems"):
            self.sent += 1
            if self.sent == self.fatal:
                raise Killed
            self.asked += request.body["itemIds"]
        return await self.inner.send(request)


def test_a_process_that_was_killed_has_a_chunk_at_the_most_fetched_again() -> None:
    """Wherever it dies: no item is lost, and what was committed is not asked for again."""

    async def act(desk: Desk) -> None:
        checkpoint, rows, asked, again = dict[str, Any](), list[Row](), set[str](), list[int]()
        for fatal in (1, 2, 9, 14, 3, None):
            store, ids, fresh = MemoryStore(checkpoint=checkpoint), list[str](), list[Row]()
            async with graph_of(desk, store, guard=partial(Deadly, asked=ids, fatal=fatal)) as (mailbox, graph):
                with nullcontext() if fatal is None else pytest.raises(Killed):
                    async for row in items_export.run(mailbox, graph, ItemsExportOptions()):
                        if isinstance(row, Checkpoint):
                            checkpoint, rows, fresh = dict(row), rows + fresh, []
                        else:
                            fresh.append(row)
            again.append(len(asked & set(ids)))
            asked |= set(ids)
        truth = {one["id"]: one["sha256"] for one in desk.sim.contents("streams", mailbox.address)}
        assert {row["item_id"]: row["sha256"] for row in rows + fresh} == truth
        assert len(rows + fresh) == len(truth) == 700
        assert 0 < max(again) <= COMMIT_ITEMS

    rehearse(act, items=700, largest_item=100_000)


def test_a_cloud_that_lacks_it_is_not_asked() -> None:
    service = Scripted(lambda request: pytest.fail(request.path))
    with pytest.raises(ConfigError, match="has no import and export"):
        run(clouds.require(Graph(service, "https://graph.microsoft.us/v1.0"), ItemsExportOptions()))
    options = ItemsExportOptions()
    assert run(clouds.require(Graph(service, "https://graph.microsoft.com/v1.0"), options)) is options
