"""A mailbox may yield as many rows as it likes: memory stays as it is, and they count together or not at all."""

import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bulkmail.graph import Graph
from bulkmail.model import Checkpoint, Mailbox, Response, Row
from bulkmail.run.outputs import open_outputs
from bulkmail.run.pending import CHUNK, Outputs
from bulkmail.run.stop import Stop
from bulkmail.rundir.folder import SPILLS
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.recovery import Recovered
from bulkmail.sink.spill import PIECE, Spills
from bulkmail.tasks import Options, Task, task
from bulkmail.testing import Scripted, run
from tests.run.lasting import SETTINGS, sweep_of

ROWS = [Mailbox("ada@contoso.com", 2), Mailbox("alan@contoso.com", 3), Mailbox("grace@contoso.com", 4)]
ONE, ALL = 20_000, 30_000


class Watching(Spills):
    """Remembers how much was held at the most."""

    most = 0

    def full(self, held: int) -> bool:
        self.most = max(self.most, self.held)
        return super().full(held)


def rows_of(number: int, *, fails: bool = False, checkpoints: int = 0) -> Task:
    """A task that yields so many rows a mailbox."""

    @task("stage.many", summary="", permission="", columns={"mailbox": "", "n": "", "text": ""})
    async def many(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
        await graph.get("/all")
        for n in range(number):
            yield {"n": n, "text": "x" * 80}
            if checkpoints and n % checkpoints == checkpoints - 1:
                yield Checkpoint(n=n)
        if fails and mailbox.row == 3:
            raise KeyError

    return many


def swept(folder: Path, chosen: Task, mailboxes: list[Mailbox]) -> Watching:
    """Runs it with little memory."""
    spills = Watching(folder / SPILLS, one=ONE, all_=ALL)

    async def main() -> None:
        with open_outputs(folder, list(chosen.columns(Options())), SETTINGS, recovered := Recovered()) as opened:
            outputs = Outputs(opened.writer, spills, opened.blobs)
            service = Scripted(lambda request: Response(200, body={}))
            await sweep_of(chosen, Options(), [*mailboxes], service, outputs, recovered, Stop()).run()

    run(main())
    assert not (folder / SPILLS).exists()
    assert spills.held == 0
    return spills


@pytest.mark.parametrize("number", [CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 7, 3000])
@pytest.mark.parametrize("checkpoints", [0, 100, CHUNK, 1000])
def test_all_rows_are_there_in_their_order(tmp_path: Path, number: int, checkpoints: int) -> None:
    swept(tmp_path, rows_of(number, checkpoints=checkpoints), ROWS)
    rows = [*RunDir(tmp_path).records()]
    for mailbox in ROWS:
        assert [row["n"] for row in rows if row["mailbox"] == mailbox.address] == [*range(number)]
    assert [one.rows for one in RunDir(tmp_path).outcomes()] == [number] * 3
    lines = (tmp_path / "records.csv").read_text().splitlines()
    assert len(lines) == 3 * number + 1


def test_what_is_held_has_a_bound_however_many_rows_there_are(tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    assert swept(tmp_path / "few", rows_of(CHUNK - 1), ROWS).most == 0, "short mailboxes are not held at all"
    (tmp_path / "many").mkdir()
    chunk = 2 * CHUNK * 130  # for two files; each mailbox may have one on its way to its spill
    assert ALL < swept(tmp_path / "many", rows_of(6000), ROWS).most < ALL + len(ROWS) * chunk


def test_memory_is_flat(tmp_path: Path) -> None:
    peaks = []
    for number in (4_000, 30_000):
        folder = tmp_path / str(number)
        folder.mkdir()
        tracemalloc.start()
        swept(folder, rows_of(number), ROWS[:1])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (folder / "records.ndjson").stat().st_size > 110 * number
    assert peaks[1] < peaks[0] + 2 * PIECE, f"{peaks}, and the rows that came on top take up 6 MB"


def test_a_mailbox_that_fails_leaves_none(tmp_path: Path) -> None:
    swept(tmp_path, rows_of(3000, fails=True), ROWS)
    rows = [*RunDir(tmp_path).records()]
    assert {row["mailbox"] for row in rows} == {"ada@contoso.com", "grace@contoso.com"}
    assert len(rows) == 6000
    assert {one.mailbox.address: one.rows for one in RunDir(tmp_path).outcomes()} == {
        "ada@contoso.com": 3000, "alan@contoso.com": 0, "grace@contoso.com": 3000,
    }  # fmt: skip


def test_a_row_that_cannot_be_written_fails_its_mailbox_and_ends_its_task(tmp_path: Path) -> None:
    ended: list[str] = []

    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    @task("stage.hostile", summary="", permission="", columns={"n": ""})
    async def hostile(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
        try:
            for _ in range(10 * CHUNK):
                yield {"n": Hostile() if mailbox.row == 3 else 1}
        finally:
            ended.append(mailbox.address)

    swept(tmp_path, hostile, ROWS)
    assert sorted(ended) == [mailbox.address for mailbox in ROWS]
    assert {one.mailbox.row: (str(one.status), one.rows) for one in RunDir(tmp_path).outcomes()} == {
        2: ("ok", 10 * CHUNK), 3: ("failed", 0), 4: ("ok", 10 * CHUNK),
    }  # fmt: skip


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / SPILLS).mkdir()
    (tmp_path / SPILLS / "1.0").write_bytes(b"left")
    with open_outputs(tmp_path, ["n"], SETTINGS, Recovered()):
        assert not (tmp_path / SPILLS).exists()
