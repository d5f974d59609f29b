"""A long mailbox that is killed anywhere, and gone on with: each row once, each blob once, and one outcome.

The task is the archive of contacts in `tests/task/archive.py`: rows, blobs, checkpoints and state, all that there is.
"""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.errors import InputError
from bulkmail.graph import Graph
from bulkmail.model import Checkpoint, Mailbox, Request, Response, Row, Status
from bulkmail.run.stop import TIME_BOX, Stop
from bulkmail.rundir.folder import OUTCOMES
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.recovery import check_rows, recover
from bulkmail.tasks import Options, task
from bulkmail.testing import Scripted, run
from tests.forked import FORKS
from tests.run.lasting import go_on
from tests.run.stage import ListSource
from tests.task.archive import archive
from tests.task.test_archive import contacts
from tests.torture.seams import Harm, Seams, Tally

ROWS = [Mailbox("ada@contoso.com", 2), Mailbox("grace@contoso.com", 3)]
NAMES = ["Ada", "Alan", "Grace", "Edsger", "Barbara"]


def process(folder: Path) -> None:
    """One process, to its end."""
    run(go_on(folder, archive, ROWS, contacts(*NAMES)))


def found(folder: Path) -> dict[str, Any]:
    """What a finished run says, as anybody would read it: rows by mailbox with the bytes that they name."""
    outcomes = {one.mailbox.address: (str(one.status), one.rows) for one in RunDir(folder).outcomes()}
    rows: dict[str, list[Any]] = {}
    size = 0
    for row in RunDir(folder).records():
        content = (folder / row["path"]).read_bytes()[row["offset"] :][: row["bytes"]]
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        rows.setdefault(row["mailbox"], []).append((row["name"], row["path"], row["offset"], content))
        size += row["bytes"]
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert sum((folder / name).stat().st_size for name in files if name.startswith("blobs/")) == size, "surplus bytes"
    lengths = [line["offsets"] for line in map(orjson.loads, (folder / OUTCOMES).read_bytes().splitlines())][-1]
    assert lengths == {name: (folder / name).stat().st_size for name in ("records.ndjson", "records.csv")}
    return {"outcomes": outcomes, "rows": rows, "files": files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing has disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    process(folder)
    assert found(folder)["outcomes"] == {one.address: ("ok", len(NAMES)) for one in ROWS}
    assert [row[0] for row in found(folder)["rows"]["ada@contoso.com"]] == NAMES
    return folder


@settings(max_examples=60)
@given(data=st.data())
def test_the_journal_may_break_off_anywhere(
    tmp_path_factory: pytest.TempPathFactory, whole: Path, data: st.DataObject
) -> None:
    """What stands in other files behind what it speaks of may be there, or a part of it, or nothing."""
    folder = tmp_path_factory.mktemp("cut") / "run"
    shutil.copytree(whole, folder)
    journal = folder / OUTCOMES
    kept = data.draw(st.integers(0, journal.stat().st_size), "bytes of the journal")
    journal.write_bytes(journal.read_bytes()[:kept])
    then = recover(RunDir(folder))
    committed = {folder / name: length for name, length in then.lengths.items()}
    for row, reached in then.reached.items():
        own = next(folder.glob(f"blobs/{row}-*"))
        committed |= {own / name: length for name, length in reached.blobs.items()}
    for path in [folder / "records.ndjson", folder / "records.csv", *folder.glob("blobs/*/*")]:
        done = path.parent.parent.name == "blobs" and int(path.parent.name.partition("-")[0]) in then.done
        least = path.stat().st_size if done else committed.get(path, 0)
        left = data.draw(st.integers(least, path.stat().st_size), path.name)
        path.write_bytes(path.read_bytes()[:left])
    process(folder)
    assert found(folder) == found(whole)


def _harmed(folder: str, at: int, act: str, shared: Any) -> None:
    """A process of its own, which is killed at its seam number `at`; says whether it came that far."""
    Seams(Harm(at, act, folder, files=True), Tally()).install()
    shared.value = 1
    process(Path(folder))
    shared.value = 2


STRIDE = 17
"""Of the seams, so that the suite stays quick: 1 takes them all, in a minute."""


def test_killed_at_every_seam(tmp_path: Path, whole: Path) -> None:
    """A seam is a write, a sync, an opening, a truncation or a removal of a file. A few of them, to the end."""
    at, state = 1, FORKS.Value("i", 0)
    while state.value != 2:
        folder = tmp_path / str(at)
        folder.mkdir()
        state.value = 0
        child = FORKS.Process(target=_harmed, args=(str(folder), at, "kill", state))
        child.start()
        child.join()
        assert state.value, "it did not even begin"
        process(folder)
        assert found(folder) == found(whole), f"killed at seam {at}"
        at += STRIDE
    assert at > 100


class Ends(Options):
    end: str = "ok"


@task("stage.parts", summary="", permission="", columns={"mailbox": "", "n": ""}, options=Ends)
async def parts(mailbox: Mailbox, graph: Graph, options: Ends) -> AsyncIterator[Row]:
    """Two rows and a blob, a checkpoint, and then what counts only where the mailbox ends well."""
    if not graph.checkpoint:
        async with graph.blob("a") as file:
            await file.write(b"kept")
        yield {"n": 1}
        yield {"n": 2}
        yield Checkpoint(part=1)
    for name in ("a", "b"):
        async with graph.blob(name) as file:
            await file.write(b"more")
    yield {"n": 3}
    await graph.get(f"/{options.end}")


def answered(request: Request) -> Response:
    return Response(404 if request.path.endswith("/fails") else 200, body={})


def blobs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("blobs/*/*")}


def told(folder: Path) -> list[tuple[str, int]]:
    return [(str(one.status), one.rows) for one in RunDir(folder).outcomes()]


def numbers(folder: Path) -> list[int]:
    return [row["n"] for row in RunDir(folder).records()]


def test_of_a_mailbox_that_fails_stays_what_its_checkpoint_made_durable(tmp_path: Path) -> None:
    done = run(go_on(tmp_path, parts, ROWS[:1], Scripted(answered), options=Ends(end="fails")))
    assert told(tmp_path) == [("failed", 2)]
    assert numbers(tmp_path) == [1, 2]
    assert blobs(tmp_path) == {"a": b"kept"}
    assert done.totals.rows == 2


def stopping(stop: Stop) -> Any:
    """A service that never answers; the run is told to stop when it is asked."""

    async def never(request: Request) -> Response:
        stop.ask(TIME_BOX)
        await asyncio.sleep(1000)
        return Response(200)

    return never


def test_a_mailbox_that_is_stopped_behind_its_checkpoint_goes_on_there(tmp_path: Path) -> None:
    stop = Stop()
    stopped = run(go_on(tmp_path, parts, ROWS[:1], Scripted(stopping(stop)), stop=stop))
    assert told(tmp_path) == [("not_run", 2)]
    assert stopped.totals.rows == 2
    done = run(go_on(tmp_path, parts, ROWS[:1], Scripted(answered)))
    assert told(tmp_path) == [("ok", 3)]
    assert numbers(tmp_path) == [1, 2, 3]
    assert blobs(tmp_path) == {"a": b"keptmore", "b": b"more"}
    assert done.totals.rows == 3
    assert done.totals.statuses == {Status.OK: 1}


def test_of_a_mailbox_that_must_not_be_touched_again_stays_what_its_checkpoint_made_durable(tmp_path: Path) -> None:
    """A process died in it, after something was begun that must not be done twice."""
    run(go_on(tmp_path, parts, ROWS[:1], Scripted(stopping(stop := Stop())), stop=stop))
    service = Scripted(answered)
    run(go_on(tmp_path, parts, ROWS, service, barred=frozenset({2})))
    assert told(tmp_path) == [("unknown", 2), ("ok", 3)]
    assert {request.mailbox for request in service.requests} == {"grace@contoso.com"}
    assert numbers(tmp_path) == [1, 2, 1, 2, 3]
    assert (tmp_path / "blobs" / "2-ada@contoso.com" / "a").read_bytes() == b"kept"


@pytest.mark.parametrize("target", ["", "news@contoso.com"])
def test_rows_that_are_barred_give_up_their_turn(tmp_path: Path, target: str) -> None:
    elsewhere = replace(parts, target=lambda mailbox, options: target)
    rows = [Mailbox(f"m{row}@contoso.com", row) for row in range(2, 30)]
    run(go_on(tmp_path, elsewhere, rows, Scripted(answered), barred=frozenset(range(2, 20))))
    assert sorted(told(tmp_path)) == [("ok", 3)] * 10 + [("unknown", 0)] * 18


def test_a_row_with_a_checkpoint_must_name_the_mailbox_that_it_named(tmp_path: Path) -> None:
    run(go_on(tmp_path, parts, ROWS[:1], Scripted(stopping(stop := Stop())), stop=stop))
    done = recover(RunDir(tmp_path)).done
    run(check_rows(RunDir(tmp_path), done, ListSource([ROWS])))
    with pytest.raises(InputError, match="row 2 of the input names another mailbox"):
        run(check_rows(RunDir(tmp_path), done, ListSource([[ROWS[1]._replace(row=2)]])))


@pytest.mark.parametrize("state", [{"n": {1, 2}}, {"n": "x" * 70_000}, {"n": object()}])
def test_a_checkpoint_that_cannot_be_kept_fails_its_mailbox(tmp_path: Path, state: dict[str, Any]) -> None:
    @task("stage.strange", summary="", permission="", columns={"n": ""})
    async def strange(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
        async with graph.blob("a") as file:
            await file.write(b"given up")
        yield {"n": mailbox.row}
        if mailbox.row == 2:
            yield Checkpoint(state)

    run(go_on(tmp_path, strange, ROWS, Scripted(answered)))
    assert sorted(told(tmp_path)) == [("failed", 0), ("ok", 1)]
    assert numbers(tmp_path) == [3]
    assert [path.parent.name for path in tmp_path.glob("blobs/*/*")] == ["3-grace@contoso.com"]


def test_a_checkpoint_within_a_blob_fails_its_mailbox_and_leaves_nothing(tmp_path: Path) -> None:
    @task("stage.inside", summary="", permission="", columns={"n": ""})
    async def inside(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
        async with graph.blob("a") as file:
            await file.write(b"half")
            yield Checkpoint(n=1)
            await file.write(b"half")

    run(go_on(tmp_path, inside, ROWS[:1], Scripted(answered)))
    assert told(tmp_path) == [("failed", 0)]
    assert blobs(tmp_path) == {}
