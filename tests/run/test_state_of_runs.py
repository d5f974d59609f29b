"""What a mailbox leaves for the next run is written after its outcome, and only if it ended as ok."""

from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import OutputError
from bulkmail.graph import Graph
from bulkmail.model import Checkpoint, Mailbox, Request, Response, Row
from bulkmail.run.outputs import OutputSettings, open_outputs
from bulkmail.run.stop import Stop
from bulkmail.rundir.folder import OUTCOMES
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.recovery import Recovered
from bulkmail.rundir.state import States
from bulkmail.task.lasting import Lasting
from bulkmail.tasks import Options, task
from bulkmail.testing import Scripted, run
from tests.run.lasting import go_on, sweep_of

ROWS = [Mailbox("ada@contoso.com", 2), Mailbox("alan@contoso.com", 3)]


@task("stage.count", summary="", permission="", columns={"mailbox": "", "runs": ""}, keeps_state=True)
async def count(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    """How many runs there were before this one."""
    before = graph.state.get("runs", 0)
    graph.state["runs"] = before + 1
    yield {"runs": before}
    await graph.get("/anything")


def answered(request: Request) -> Response:
    return Response(404 if request.mailbox.startswith("alan") else 200, body={})


class Noting(States):
    """Says what was in the journal when states were written."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.journal: list[bytes] = []
        self.folder = Path()
        self.dies = False

    def put(self, states: Sequence[tuple[Mailbox, Any]], /) -> None:
        self.journal.append((self.folder / OUTCOMES).read_bytes())
        if self.dies:
            raise OutputError("the process dies here")
        super().put(states)


def runs(folder: Path) -> dict[str, int]:
    return {row["mailbox"]: row["runs"] for row in RunDir(folder).records()}


def test_it_is_written_after_the_outcome_and_only_of_mailboxes_that_are_ok(tmp_path: Path) -> None:
    with closing(Noting.open(tmp_path / "state", "stage.count", "s", lambda _: None)) as states:
        for number in range(3):
            states.folder = tmp_path / str(number)
            states.folder.mkdir()
            run(go_on(states.folder, count, ROWS, Scripted(answered), states=states))
            assert runs(states.folder) == {"ada@contoso.com": number}
            assert b'"mailbox":"ada@contoso.com"' in states.journal[-1], "the outcome was not there yet"
        assert run(states.read(ROWS[1])) == {}


def test_a_process_that_dies_between_the_two_leaves_the_older_state(tmp_path: Path) -> None:
    with closing(Noting.open(tmp_path / "state", "stage.count", "s", lambda _: None)) as states:
        states.folder, states.dies = tmp_path, True
        with pytest.raises(OutputError, match="dies here"):
            run(go_on(tmp_path, count, ROWS[:1], Scripted(answered), states=states))
        assert [str(one.status) for one in RunDir(tmp_path).outcomes()] == ["ok"]
        assert run(states.read(ROWS[0])) == {}, "the next run repeats what this one did"


@pytest.mark.parametrize(("kind", "left"), [(Checkpoint, {}), (Lasting, {"runs": 1})])
def test_a_lasting_checkpoint_leaves_it_however_the_mailbox_ends(
    tmp_path: Path, kind: type[Checkpoint], left: dict[str, int]
) -> None:
    @task("stage.count", summary="", permission="", columns={"mailbox": "", "runs": ""}, keeps_state=True)
    async def counted(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
        graph.state["runs"] = 1
        yield {"runs": 0}
        yield kind(done=1)
        graph.state["runs"] = 2
        await graph.get("/anything")

    with closing(States.open(tmp_path / "state", "stage.count", "s", lambda _: None)) as states:
        run(go_on(tmp_path, counted, ROWS[1:], Scripted(answered), states=states))
        assert [str(one.status) for one in RunDir(tmp_path).outcomes()] == ["failed"]
        assert run(states.read(ROWS[1])) == left


def test_a_run_that_plans_reads_it_and_leaves_it_as_it_is(tmp_path: Path) -> None:
    with closing(States.open(tmp_path / "state", "stage.count", "s", lambda _: None)) as states:
        states.put([(ROWS[0], {"runs": 5})])

        async def planned() -> None:
            columns = list(count.columns(Options()))
            with open_outputs(tmp_path, columns, OutputSettings(), Recovered(), states, planning=True) as outputs:
                await sweep_of(count, Options(), ROWS[:1], Scripted(answered), outputs, Recovered(), Stop()).run()

        run(planned())
        assert runs(tmp_path) == {"ada@contoso.com": 5}
        assert run(states.read(ROWS[0])) == {"runs": 5}


def test_without_a_file_every_run_is_the_first(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        run(go_on(tmp_path / str(number), count, ROWS[:1], Scripted(answered)))
        assert runs(tmp_path / str(number)) == {"ada@contoso.com": 0}


def test_a_task_that_is_not_declared_for_it_has_none(tmp_path: Path) -> None:
    @task("stage.undeclared", summary="", permission="", columns={"mailbox": "", "runs": ""})
    async def undeclared(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
        yield {"runs": graph.state.get("runs", 0)}

    run(go_on(tmp_path, undeclared, ROWS[:1], Scripted(answered)))
    (outcome,) = RunDir(tmp_path).outcomes()
    assert outcome.problem is not None
    assert (outcome.status, outcome.problem.code) == ("failed", "TaskMistake")
    assert "keeps_state" in outcome.problem.message
