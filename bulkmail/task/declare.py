"""What a task is, and how one is declared. Knows no task by name.

    @task(
        "mailbox.kind",
        summary="What each mailbox is for",
        permission="MailboxSettings.Read",
        columns={"mailbox": "address", "kind": "user, shared, room, equipment or others"},
    )
    async def kind(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
        purpose = await graph.get("/mailboxSettings/userPurpose")
        yield {"kind": purpose["value"]}

A task awaits nothing but its `graph` and yields rows. A row without `mailbox` gets the address of its mailbox, if that
is one of the columns. A long task may yield a `Checkpoint` between its rows, and begin at `graph.checkpoint`; one that
`keeps_state` finds in `graph.state` what it left there in the run before; `graph.blob` is for binary output.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import isasyncgenfunction
from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict

from bulkmail.graph import Graph
from bulkmail.model import Made, Mailbox, Row

Run: TypeAlias = Callable[[Mailbox, Graph, Any], AsyncIterator[Row]]
Undo: TypeAlias = Callable[[Mailbox, Graph, Any, Sequence[Made]], AsyncIterator[Row]]


class Options(BaseModel):
    """A task's own options: subclass it; each field's description is its help text."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def warnings(self) -> Sequence[str]:
        """What a person should look at before anything is changed, a line each; they are shown and kept."""
        return ()


UNDO_COLUMNS = {
    "mailbox": "address as the input gave it",
    "key": "what was changed",
    "result": "restored; already (it is as it was before the run), changed (since the run, and left alone), gone, or "
    "kept (it had no value before, and the service takes none away)",
    "restored": "what stands there again",
    "found": "what stood there instead of what the run had left",
}
"""What the undoing of a task reports, a row for each change."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do with a mailbox. `columns` gives names and meanings for given options, in the order of the CSV.

    A task that `writes` only plans until it is told to apply. `undo` gets the changes of a mailbox, the latest first,
    and takes back those that still stand as the run left them; its rows are UNDO_COLUMNS. `target` names the mailbox
    below which the requests go, where that is not the mailbox itself. With `wants_columns` the mailbox carries the
    other cells of its row. A task that `keeps_state` has it read before it begins.
    """

    name: str
    summary: str
    permission: str  # the least application permission that does it
    run: Run
    options: type[Options]
    columns: Callable[[Any], Mapping[str, str]]
    writes: bool = False
    undo: Undo | None = None
    target: Callable[[Mailbox, Any], str] | None = None
    wants_columns: bool = False
    keeps_state: bool = False


def task(
    name: str,
    *,
    summary: str,
    permission: str,
    columns: Mapping[str, str] | Callable[[Any], Mapping[str, str]],
    options: type[Options] = Options,
    writes: bool = False,
    undo: Undo | None = None,
    target: Callable[[Mailbox, Any], str] | None = None,
    wants_columns: bool = False,
    keeps_state: bool = False,
) -> Callable[[Run], Task]:
    """Make a Task of an async generator function. Raises TypeError for any other function."""
    described = columns if callable(columns) else lambda _options: columns

    def declare(run: Run) -> Task:
        if not isasyncgenfunction(run):
            raise TypeError(f"a task is an async function that yields rows, and {name} is not")
        return Task(
            name, summary, permission, run, options, described, writes, undo, target, wants_columns, keeps_state
        )

    return declare
