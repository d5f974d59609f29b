"""A run with its blobs in an object store goes on within a mailbox, and leaves no object there that no row names."""

import shutil
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.graph import Graph
from bulkmail.model import Checkpoint, Mailbox, Row
from bulkmail.run.stop import Stop
from bulkmail.rundir.folder import OUTCOMES
from bulkmail.rundir.reader import RunDir
from bulkmail.sink.objects import MARK, Store
from bulkmail.tasks import Options, task
from bulkmail.testing import Scripted, run
from tests.run.lasting import go_on
from tests.run.test_lasting import NAMES, ROWS, answered, numbers, parts, stopping, told
from tests.sink.stores import Strict
from tests.task.archive import archive
from tests.task.test_archive import contacts

ALL = sorted((one.address, name) for one in ROWS for name in NAMES)


def objects(store: Store) -> dict[str, bytes]:
    """What lies in the store of a run, by the names that rows have of it."""
    prefix = Strict._strip_protocol(store.name)
    found = {path: one.getvalue() for path, one in Strict.store.items() if path.startswith(f"{prefix}/")}
    return {f"strict:/{path}": content for path, content in found.items() if not path.endswith(f"/{MARK}")}


def named(folder: Path, store: Store) -> list[tuple[str, str]]:
    """The rows of a run: each has its piece of an object, and no object is there beside them."""
    there, rows, used = objects(store), [], dict.fromkeys(objects(store), 0)
    for row in RunDir(folder).records():
        piece = there[row["path"]][row["offset"] :][: row["bytes"]]
        assert sha256(piece).hexdigest() == row["sha256"]
        used[row["path"]] += len(piece)
        rows.append((row["mailbox"], row["name"]))
    assert used == {path: len(content) for path, content in there.items()}
    return rows


def process(folder: Path, store: Store) -> None:
    run(go_on(folder, archive, ROWS, contacts(*NAMES), depot=store))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store]:
    folder = tmp_path_factory.mktemp("whole")
    store = Store(f"strict://{folder.name}", "whole")
    process(folder, store)
    assert sorted(named(folder, store)) == ALL
    assert len(objects(store)) > len(ROWS)
    return folder, store


@settings(max_examples=25)
@given(data=st.data())
def test_the_journal_may_break_off_anywhere(
    tmp_path_factory: pytest.TempPathFactory, whole: tuple[Path, Store], data: st.DataObject
) -> None:
    """A process that was killed has sent objects of which nothing speaks, or some of them."""
    before, first = whole
    folder = tmp_path_factory.mktemp("cut") / "run"
    shutil.copytree(before, folder)
    journal = folder / OUTCOMES
    journal.write_bytes(journal.read_bytes()[: data.draw(st.integers(0, journal.stat().st_size), "bytes")])
    kept: dict[str, Any] = dict(Strict.store)
    try:
        process(folder, first)
        assert sorted(named(folder, first)) == ALL
    finally:
        Strict.store.clear()
        Strict.store.update(kept)


def test_a_mailbox_that_is_stopped_behind_its_checkpoint_goes_on_there(tmp_path: Path) -> None:
    store = Store(f"strict://{tmp_path.name}", "stopped")
    run(go_on(tmp_path, parts, ROWS[:1], Scripted(stopping(stop := Stop())), stop=stop, depot=store))
    assert told(tmp_path) == [("not_run", 2)]
    assert [*objects(store).values()] == [b"kept"]
    run(go_on(tmp_path, parts, ROWS[:1], Scripted(answered), depot=store))
    assert told(tmp_path) == [("ok", 3)]
    assert numbers(tmp_path) == [1, 2, 3]
    found = {path.rpartition("/")[2][:6]: content for path, content in sorted(objects(store).items())}
    assert found == {"a-0001": b"kept", "a-0002": b"more", "b-0001": b"more"}


@task("stage.bare", summary="", permission="", columns={"mailbox": "", "n": ""})
async def bare(_mailbox: Mailbox, graph: Graph, _options: Options) -> AsyncIterator[Row]:
    """A blob and a checkpoint; in the run that goes on, a checkpoint that brings no blob, and another piece of it."""
    if graph.checkpoint:
        yield Checkpoint(part=2)
    async with graph.blob("a") as file:
        await file.write(b"piece")
    yield {"n": 1}
    yield Checkpoint(part=1)
    await graph.get("/")


def test_parts_are_counted_on_behind_a_checkpoint_that_brings_none(tmp_path: Path) -> None:
    store = Store(f"strict://{tmp_path.name}", "bare")
    run(go_on(tmp_path, bare, ROWS[:1], Scripted(stopping(stop := Stop())), stop=stop, depot=store))
    run(go_on(tmp_path, bare, ROWS[:1], Scripted(answered), depot=store))
    assert told(tmp_path) == [("ok", 2)]
    assert sorted(path.rpartition("/")[2][:6] for path in objects(store)) == ["a-0001", "a-0002"]
