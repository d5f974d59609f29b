"""What a task is, and how one is declared. Knows no task by name.

    @task(
        "mailbox.kind",
        summary="What each mailbox is for",
        needs=all_of("MailboxSettings.Read"),
        columns={"mailbox": "address", "kind": "user, shared, room, equipment or others"},
    )
    async def kind(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
        purpose = await graph.get("/mailboxSettings/userPurpose")
        yield {"kind": purpose["value"]}

`permission="MailboxSettings.Read"` is the short form of `needs`; a task whose permissions differ by its options gives a
function of them. A task awaits nothing but its `graph` and yields rows. A row without `mailbox` gets the address of its
mailbox, if that is one of the columns. A long task may yield a `Checkpoint` between its rows, and begin at
`graph.checkpoint`; one that `keeps_state` finds in `graph.state` what it left there in the run before; `graph.blob` is
for binary output.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from inspect import isasyncgenfunction
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict

from bulkmail.graph import Graph
from bulkmail.model import Made, Mailbox, Row
from bulkmail.task.permissions import Needs, stated

T = TypeVar("T")
Run: TypeAlias = Callable[[Mailbox, Graph, Any], AsyncIterator[Row]]
Undo: TypeAlias = Callable[[Mailbox, Graph, Any, Sequence[Made]], AsyncIterator[Row]]
Once: TypeAlias = Callable[[Graph, Any], Coroutine[Any, Any, Any]]


class Options(BaseModel):
    """A task's own options: subclass it; each field's description is its help text."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def warnings(self) -> Sequence[str]:
        """What a person should look at before anything is changed, a line each; they are shown and kept."""
        return ()

    def templates(self) -> Mapping[str, str]:
        """Option to its text, where a name in braces stands for a column of the list. Before anything is sent it is
        checked that the list has these columns."""
        return {}

    def needs_state(self) -> str:
        """The option that means nothing in a job without `[state] path`; empty where there is none."""
        return ""


RESERVED = frozenset({"name", "apply", "drift"})
"""Keys that a job's [task] table uses for itself: an option of such a name could never be given."""

UNDO_COLUMNS = {
    "mailbox": "address as the input gave it",
    "key": "what was changed",
    "result": "restored, or planned where nothing is sent; already (it is as it was before the run), changed (since "
    "the run, and left alone), gone, or kept (it had no value before, and the service takes none away)",
    "restored": "what stands there again",
    "found": "what stood there instead of what the run had left",
}
"""What the undoing of a task reports, a row for each change."""

UNDO_KEY = ("key",)
"""The columns that tell these rows apart."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do with a mailbox. `columns` gives names and meanings for given options, in the order of the CSV.

    A task that `writes` only plans until it is told to apply. `undo` gets the changes of a mailbox, the latest first,
    and takes back those that still stand as the run left them; its rows are UNDO_COLUMNS. `target` names the mailbox
    below which the requests go, where that is not the mailbox itself. With `wants_columns` the mailbox carries the
    other cells of its row. A task that `keeps_state` has it read before it begins.

    `once` is awaited before the first mailbox, with a Graph below the root (the directory) and the options, and returns
    the options that all mailboxes are then worked with: for what is asked once for the whole tenant. `finding` says
    whether a row is something to look into: mailboxes with such rows are counted, and with `--drift` end a run with 8.
    `reads` says of a task that writes whether with given options it only reads.
    `key_columns` tell the rows of one mailbox apart, alike in every run, so that two runs can be compared: none where a
    mailbox has one row; None where that was not said.
    `parts` gives the columns of each part of a report that has several: a row says by its column `part` which it is of,
    and each part has a CSV file of its own beside that of all rows.
    `leaves` says whether with given options it leaves blobs: where workers would have no place for them, such a run is
    refused before it begins, and any other one when it comes to a blob.
    """

    name: str
    summary: str
    needs: Callable[[Any], Needs]  # the least application permissions that do it, for given options
    run: Run
    options: type[Options]
    columns: Callable[[Any], Mapping[str, str]]
    writes: bool = False
    undo: Undo | None = None
    target: Callable[[Mailbox, Any], str] | None = None
    wants_columns: bool = False
    keeps_state: bool = False
    once: Once | None = None
    finding: Callable[[Row], bool] | None = None
    reads: Callable[[Any], bool] | None = None
    key_columns: tuple[str, ...] | None = None
    parts: Callable[[Any], Mapping[str, Sequence[str]]] | None = None
    leaves: Callable[[Any], bool] | None = None

    def __post_init__(self) -> None:
        """Raises TypeError for a task that could not be run, with what to do."""
        if not isasyncgenfunction(self.run):
            raise TypeError(f"a task is an async function that yields rows, and {self.name} is not")
        if self.undo is not None and not isasyncgenfunction(self.undo):
            raise TypeError(f"the undo of {self.name} should be an async function that yields rows")
        for name, field in self.options.model_fields.items():
            key = field.alias or name
            if key in RESERVED:
                raise TypeError(
                    f"{self.name} cannot have an option {key!r}: the job's [task] table uses that key for "
                    "itself. Give the field another name."
                )

    def given(self, options: Options) -> "Task":
        """The task as it is with these options: one that only reads with them is one that does not write."""
        only_reads = self.reads is not None and self.reads(options)
        return replace(self, writes=False, undo=None) if only_reads else self

    def leaves_blobs(self, options: Options) -> bool:
        return self.leaves is not None and self.leaves(options)

    @property
    def permission(self) -> str:
        """What it needs with its default options, for people."""
        return self.needs(self.options.model_construct()).text or "by its options"


def task(
    name: str,
    *,
    summary: str,
    columns: Mapping[str, str] | Callable[[Any], Mapping[str, str]],
    permission: str | None = None,
    needs: Needs | Callable[[Any], Needs] | None = None,
    options: type[Options] = Options,
    writes: bool = False,
    undo: Undo | None = None,
    target: Callable[[Mailbox, Any], str] | None = None,
    wants_columns: bool = False,
    keeps_state: bool = False,
    once: Once | None = None,
    finding: Callable[[Row], bool] | None = None,
    reads: Callable[[Any], bool] | None = None,
    key_columns: Sequence[str] | None = None,
    parts: Callable[[Any], Mapping[str, Sequence[str]]] | None = None,
    leaves: bool | Callable[[Any], bool] = False,
) -> Callable[[Run], Task]:
    """Make a Task of an async generator function. Raises TypeError for any other function, for an option that cannot be
    given, and unless either `permission` or `needs` is given."""
    if (permission is None) == (needs is None):
        raise TypeError(f"say what {name} needs: either permission=... or needs=...")
    given: Needs | Callable[[Any], Needs] = stated(permission or "") if needs is None else needs

    def declare(run: Run) -> Task:
        return Task(
            name, summary, _by_options(given), run, options, _by_options(columns), writes, undo, target, wants_columns,
            keeps_state, once, finding, reads, None if key_columns is None else tuple(key_columns), parts,
            _by_options(leaves),
        )  # fmt: skip

    return declare


def _by_options(value: T | Callable[[Any], T]) -> Callable[[Any], T]:
    """A function of the options; one that ignores them where the value is the same for all."""
    return value if callable(value) else partial(_always, value)


def _always(value: T, _options: Any) -> T:
    return value
