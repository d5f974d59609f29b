"""What was exported comes back whole and once, whatever becomes of answers, sessions and processes."""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bulkmail.app.apply import apply
from bulkmail.app.loop import run as run_loop
from bulkmail.app.undo import undo
from bulkmail.errors import InputError
from bulkmail.model import Checkpoint, Request, Response, Transport
from bulkmail.rundir.manifest import Manifest, PinnedOutput
from bulkmail.sim import Fault, Settings
from bulkmail.sim.families.messages.kind import MESSAGE
from bulkmail.tasks import check_options
from bulkmail.tasks.items.imports import RETRIED, items_import
from bulkmail.tasks.items.imports import Ledger as Progress
from bulkmail.tasks.items.kept import Kept
from bulkmail.tasks.items.session import RENEWALS
from bulkmail.tasks.items.source import opened
from bulkmail.tasks.items.stored import Stored
from bulkmail.testing import collect
from bulkmail.testing.store import MemoryStore
from bulkmail.testing.tenant import Done, Tenant, open_tenant
from tests.sim.desk import Desk, rehearse
from tests.tasks.items import byhand
from tests.tasks.items.truth import WHOLE, graph_of
from tests.tasks.rig import Killed, Ledger

FAULTS = (
    Fault("lost", match="/_import", share=0.06),
    Fault("late", match="/_import", share=0.05),
    Fault("reset-before", match="/_import", skip=7, total=1),
    Fault("status", match="/_import", skip=12, total=1, status=503),
    Fault("status", match="/_import", skip=20, total=RENEWALS - 1, status=401),
)
"""What was done is found again however often its answer suffers. What was not done is struck less often than an item is
sent: no item can fail, in whatever order the items of two mailboxes come."""

TENANT = Settings(mailboxes=6, seed=3, items=30, largest_item=300_000, faults=FAULTS, **WHOLE)
SOURCES, TARGETS = slice(0, 2), slice(2, 4)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with open_tenant(tmp_path_factory.mktemp("tenant"), TENANT) as found:
        yield found


@pytest.fixture(scope="module")
def export(tenant: Tenant, tmp_path_factory: pytest.TempPathFactory) -> Done:
    done = tenant.run("items.export", tmp_path_factory.mktemp("export"), addresses=tenant.addresses()[SOURCES])
    assert len(done.rows) == 60
    return done


def bring(
    tenant: Tenant, export: Path, where: Path, targets: slice = TARGETS, *, apply: bool = True, **options: Any
) -> Done:
    """Imports the mailboxes of an export into others, in their order."""
    where.mkdir(exist_ok=True)
    pairs = zip(tenant.addresses()[targets], tenant.addresses()[SOURCES], strict=True)
    (where / "pairs.csv").write_text("mailbox,from\n" + "".join(f"{to},{source}\n" for to, source in pairs))
    settings = {"input.path": str(where / "pairs.csv"), "task.apply": apply, "limits.settle": 0.4}
    state = {"state.path": str(where.parent / "state.sqlite")}
    given = {"source": str(export), "mailbox_column": "from", **options}
    return tenant.run("items.import", where, options=given, settings=settings | state)


def taken_in(tenant: Tenant, targets: slice = TARGETS) -> Counter[str]:
    return Counter(one["sha256"] for to in tenant.addresses()[targets] for one in tenant.contents("imported", to))


def test_it_comes_back_whole_and_once_and_a_rerun_makes_nothing(tenant: Tenant, export: Done, tmp_path: Path) -> None:
    planned = bring(tenant, export.folder, tmp_path / "plan", apply=False)
    assert Counter(row["state"] for row in planned.rows) == {"planned": 60}
    assert not taken_in(tenant)
    done = bring(tenant, export.folder, tmp_path / "apply")
    assert done.code == 0, done.err
    assert Counter(row["state"] for row in done.rows) == {"imported": 60}
    wanted = Counter(row["sha256"] for row in export.rows)
    assert taken_in(tenant) == wanted
    again = tenant.run("items.export", tmp_path / "again", addresses=tenant.addresses()[TARGETS])
    hashes = {row["item_id"]: row["sha256"] for row in again.rows}
    assert all(hashes[row["new_id"]] == row["sha256"] for row in done.rows)
    assert {row["folder"] for row in done.rows} <= {row["folder"] for row in again.rows}
    for rerun in (tmp_path / "rerun", tmp_path / "elsewhere" / "rerun"):  # with what the first one left, and without
        rerun.parent.mkdir(exist_ok=True)
        told = bring(tenant, export.folder, rerun)
        assert Counter(row["state"] for row in told.rows) == {"already": 60}
    assert taken_in(tenant) == wanted
    books = tenant.books()
    assert books["faults"].keys() >= {"lost", "late", "reset-before", "status"}
    assert (books["links_leaked"], books["breaches"]) == (0, {})
    assert books["routes"]["POST /admin/exchange/mailboxes/{}/createImportSession"]["200"] > 2
    assert_no_secret(tenant, tmp_path, done.err)


def assert_no_secret(tenant: Tenant, folder: Path, said: str) -> None:
    """No address of a session is in any file or in what was said."""
    secrets = [name.encode() for name in tenant.simulator.world.links]
    assert secrets
    for path in folder.rglob("*"):
        if path.is_file():
            written = path.read_bytes()
            assert not any(secret in written for secret in (*secrets, b"authtoken")), path
    assert "authtoken" not in said


def test_it_is_compared_with_what_was_exported(tenant: Tenant, export: Done, tmp_path: Path) -> None:
    pairs = slice(4, 6)
    bring(tenant, export.folder, tmp_path / "apply", pairs, folder="Came/Back")
    verified = tmp_path / "verify"
    shutil.copytree(tmp_path / "apply", verified, ignore=shutil.ignore_patterns("out"))
    given: dict[str, Any] = {"source": str(export.folder), "mailbox_column": "from", "by": "content"}
    settings = {"input.path": str(verified / "pairs.csv")}
    told = tenant.run("items.verify", verified, options=given, settings=settings)
    assert told.code == 0, told.err
    assert Counter(row["state"] for row in told.rows) == {"equal": 60, "extra": 60}
    folders = {
        row["folder"] for row in tenant.run("items.export", tmp_path / "x", addresses=tenant.addresses()[pairs]).rows
    }
    assert any(folder.startswith("Came/Back/") for folder in folders)


def test_a_plan_is_carried_out_and_taken_back(tenant: Tenant, export: Done, tmp_path: Path) -> None:
    """Folders that are only planned have no ids yet, and the items in them are planned all the same."""
    pairs = slice(4, 6)
    before = taken_in(tenant, pairs).total()
    planned = bring(tenant, export.folder, tmp_path / "plan", pairs, apply=False, folder="Planned/Here")
    assert Counter(row["state"] for row in planned.rows) == {"planned": 60}
    applied = run_loop(apply(planned.folder, {"task.apply": True}, into=tmp_path / "applied"))
    assert applied.manifest.statuses["ok"] == 2
    assert taken_in(tenant, pairs).total() == before + 60
    held = sum(len(tenant.contents("messages", address)) for address in tenant.addresses()[pairs])
    undone = run_loop(undo(applied.folder, {"task.apply": True}, into=tmp_path / "undone"))
    assert undone.manifest.undone["restored"] == 60
    now = sum(len(tenant.contents("messages", address)) for address in tenant.addresses()[pairs])
    assert now == held - 60


def test_a_stream_that_was_damaged_is_not_sent(tenant: Tenant, export: Done, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(export.folder, copy)
    victim = export.rows[7]
    with (copy / victim["file"]).open("r+b") as file:
        file.seek(victim["offset"] + victim["bytes"] // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
    done = bring(tenant, copy, tmp_path / "apply", folder="Damaged")
    failed = [row for row in done.rows if row["state"] == "failed"]
    assert [row["item_id"] for row in failed] == [victim["item_id"]]
    assert failed[0]["error"].startswith("Damaged: the stream has the SHA-256 ")
    given = {"source": str(copy), "how": "offline", "only": "different"}
    told = tenant.run("items.verify", tmp_path / "verify", addresses=tenant.addresses()[SOURCES], options=given)
    assert [(row["item_id"], row["state"]) for row in told.rows] == [(victim["item_id"], "differs")]
    assert told.manifest["sums"]["requests"] == 0


def test_rows_that_are_not_what_the_export_wrote_are_not_believed(tenant: Tenant, export: Done, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(export.folder, copy)
    path = copy / "records.ndjson"
    path.write_bytes(path.read_bytes().replace(b"/items.tar", b"/../../a.t", 1))
    given = {"source": str(copy), "how": "offline"}
    told = tenant.run("items.verify", tmp_path / "verify", addresses=tenant.addresses()[SOURCES], options=given)
    assert told.code != 0
    assert "is not what the export wrote" in told.err


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"task": "settings.report"}, "is a run of settings.report"),
        ({"state": "running"}, "has not ended"),
        ({"outputs": {}}, "has no records.ndjson"),
        ({"output": PinnedOutput(mask="key")}, "masked addresses"),
    ],
)
def test_a_directory_that_is_not_an_export_to_import_says_why(
    export: Done, tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    replace(Manifest.read(export.folder), **changed).write(tmp_path)
    with pytest.raises(InputError, match=said):
        Kept(tmp_path).open()


def test_a_row_leads_nowhere_but_into_the_export(export: Done) -> None:
    kept = Kept(export.folder).open()
    stored = next(kept.items(export.rows[0]["mailbox"]))
    for place in ("../../../../../etc/hostname", "/etc/hostname", ""):
        assert "which is not in out" in kept.streams.fault(stored._replace(file=place))
    assert kept.streams.fault(stored) == ""
    assert "No such file" in kept.streams.fault(stored._replace(file="blobs/none"))
    assert "ends after" in kept.streams.fault(stored._replace(offset=1 << 40))


@dataclass(slots=True)
class Deadly:
    """Kills a process at its import number `fatal`, while others are under way: before it leaves, or when it was
    answered. None kills none."""

    inner: Transport
    fatal: int | None
    answered: bool
    sent: int = 0

    async def send(self, request: Request, /) -> Response:
        if request.address is None:
            return await self.inner.send(request)
        self.sent += 1
        if self.fatal is None or self.sent < self.fatal:
            return await self.inner.send(request)
        if self.answered and self.sent == self.fatal:
            await self.inner.send(request)
        raise Killed


async def is_killed(desk: Desk, store: MemoryStore, options: Any, fatal: int | None, *, answered: bool) -> bool:
    """One process; whether it was killed."""
    columns = {"from": desk.sim.tenant.address(0)}
    guard = partial(Deadly, fatal=fatal, answered=answered)
    async with graph_of(desk, store, 1, guard=guard, columns=columns) as (mailbox, graph):
        try:
            async for row in items_import.run(mailbox, graph, await opened(graph, options)):
                if isinstance(row, Checkpoint):
                    store.checkpoint = dict(row)
        except Killed:
            return True
    return False


@pytest.mark.parametrize("answered", [False, True])
def test_a_process_that_dies_at_any_item_loses_none_and_makes_none_twice(tmp_path: Path, answered: bool) -> None:
    """A process that dies at its third import has made three at the most: of 25, some are left for each."""

    async def act(desk: Desk) -> None:
        export = await byhand.export(desk, tmp_path)
        options = check_options(items_import, {"source": str(export), "mailbox_column": "from"}, tmp_path)
        store, fatal = MemoryStore(), (6, 1, 2, 5, 3, 4)
        for number in fatal:
            assert await is_killed(desk, store, options, number, answered=answered)
            store = MemoryStore(checkpoint=store.checkpoint)
        assert sum(fatal) < 25
        assert not await is_killed(desk, store, options, None, answered=answered)
        wanted = Counter(one["sha256"] for one in desk.sim.contents("streams", desk.sim.tenant.address(0)))
        made = desk.sim.contents("imported", desk.sim.tenant.address(1))
        assert Counter(one["sha256"] for one in made) == wanted

    rehearse(act, items=25, mailboxes=4)


def test_what_cannot_be_compared_is_not_made_again(tmp_path: Path) -> None:
    """Without a state, a later run knows what is there by its stream alone."""

    async def act(desk: Desk) -> None:
        export = await byhand.export(desk, tmp_path)
        options = check_options(items_import, {"source": str(export), "mailbox_column": "from"}, tmp_path)

        async def states() -> Counter[str]:
            columns = {"from": desk.sim.tenant.address(0)}
            async with graph_of(desk, MemoryStore(), 1, columns=columns) as (mailbox, graph):
                told = await collect(items_import.run(mailbox, graph, await opened(graph, options)))
            rows = [row for row in told if not isinstance(row, Checkpoint)]
            assert all("to compare it: ErrorCorruptData" in row["error"] for row in rows if row["state"] == "failed")
            return Counter(row["state"] for row in rows)

        assert await states() == {"imported": 12}
        desk.sim.world.script.load([Fault("item-error", match="exportItems/", code="ErrorCorruptData")])
        assert await states() == {"failed": 12}
        desk.sim.world.script.load([])
        assert await states() == {"already": 12}
        assert len(desk.sim.contents("imported", desk.sim.tenant.address(1))) == 12

    rehearse(act, items=12, mailboxes=4)


def test_undo_takes_back_what_is_still_as_it_came(tmp_path: Path) -> None:
    async def act(desk: Desk) -> None:
        export, store = await byhand.export(desk, tmp_path), MemoryStore()
        options = check_options(items_import, {"source": str(export), "mailbox_column": "from"}, tmp_path)
        columns, ledgers = {"from": desk.sim.tenant.address(0)}, list[Ledger]()

        def booked(inner: Transport) -> Transport:
            ledgers.append(Ledger(inner))
            return ledgers[-1]

        async with graph_of(desk, store, 1, guard=booked, columns=columns) as (mailbox, graph):
            rows = await collect(items_import.run(mailbox, graph, await opened(graph, options)))
            made = [row for row in rows if not isinstance(row, Checkpoint)]
            box = desk.sim.world.mailboxes.write(1)
            store_of = MESSAGE.of(box)
            changed, gone = (store_of.find(row["new_id"]) for row in made[:2])
            assert changed is not None
            assert gone is not None
            store_of.change(changed, {"subject": "Changed since"})
            store_of.remove(gone)
            assert items_import.undo is not None
            kept = store_of.find(made[2]["new_id"])
            assert kept is not None
            store_of.add(dict(kept.props), kept.parent)  # one just like it, which the run has not made
            there = len(store_of.items)
            noted = ledgers[0].made
            twice = [one._replace(id="", certain=False) for one in noted if one.id == made[2]["new_id"]]
            told = await collect(items_import.undo(mailbox, graph, options, [*noted[::-1], *twice]))
        results = Counter(row["result"] for row in told)
        assert (results["restored"], results["changed"], results["gone"]) == (len(made) - 2, 1, 1)
        assert len(store_of.items) == there - (len(made) - 2)

    rehearse(act, items=12, mailboxes=4)


def test_what_has_changed_is_put_back_in_its_place_and_what_is_there_is_left(tmp_path: Path) -> None:
    async def act(desk: Desk) -> None:
        export = await byhand.export(desk, tmp_path)
        given = {"source": str(export), "mode": "update"}
        options = check_options(items_import, given, tmp_path)
        store = MESSAGE.of(desk.sim.world.mailboxes.write(0))
        before = Counter(one["sha256"] for one in desk.sim.contents("streams", desk.sim.tenant.address(0)))
        changed, gone = list(store.items.values())[:2]
        name, lost = store.id_of(changed), store.id_of(gone)
        store.change(changed, {"subject": "Changed since"})
        store.remove(gone)
        async with graph_of(desk, MemoryStore()) as (mailbox, graph):
            told = await collect(items_import.run(mailbox, graph, await opened(graph, options)))
        rows = {row["item_id"]: row for row in told if not isinstance(row, Checkpoint)}
        states = Counter(row["state"] for row in rows.values())
        assert states == {"already": len(rows) - 2, "updated": 1, "imported": 1}
        assert (rows[name]["state"], rows[name]["new_id"], rows[lost]["state"]) == ("updated", name, "imported")
        assert Counter(one["sha256"] for one in desk.sim.contents("streams", mailbox.address)) == before

    rehearse(act, items=20, mailboxes=4)


def test_a_failed_item_for_which_there_was_no_room_is_not_forgotten() -> None:
    state: dict[str, Any] = {}
    blank = Stored(0, "", "", "", "", "", 0, "", 0, 0, "", "", "exported")
    many = [blank._replace(number=number) for number in range(RETRIED + 10)]
    book = Progress(state, "export", {}, resumed=False)
    book.end(many, many[1:])
    book.keep()
    later = Progress({}, "export", state, resumed=False)
    assert not later.lacks(0)
    assert all(later.lacks(one.number) for one in many[1:])


def test_a_list_without_the_column_is_refused_before_anything_is_sent(
    tenant: Tenant, export: Done, tmp_path: Path
) -> None:
    done = bring(tenant, export.folder, tmp_path / "run", mailbox_column="origin")
    assert done.code == 2
    assert "task.mailbox_column names {origin}" in done.err
