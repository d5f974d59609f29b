"""Imports the items of an export into the same mailboxes or others, each once.

What is in the folder already, with the same stream, is left and not made again. A chunk is noted before its first item
leaves; where an answer was lost, or a process died, the folder is looked through for what has arrived before anything
is made again. A later run of the same job goes on behind what was done.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeAlias

import orjson
from pydantic import Field

from bulkmail.errors import GraphError, OutcomeUnknown
from bulkmail.graph import SENDS, Graph
from bulkmail.model import Change, Mailbox, Row
from bulkmail.task.changes import told_before
from bulkmail.task.declare import task
from bulkmail.task.lasting import Lasting
from bulkmail.task.permissions import all_of
from bulkmail.tasks.items.folders import Folder
from bulkmail.tasks.items.session import Session
from bulkmail.tasks.items.source import FromExport, opened
from bulkmail.tasks.items.stock import Stock, There
from bulkmail.tasks.items.stored import Cursor, Stored, wrapped
from bulkmail.tasks.items.target import Target
from bulkmail.tasks.items.undo import ITEM, undo
from bulkmail.tasks.kit import expect
from bulkmail.tasks.kit.collection import LASTING
from bulkmail.tasks.kit.keyed import UNMADE

COLUMNS = {
    "mailbox": "address as the input gives it",
    "source": "mailbox in the export",
    "folder": "path of the folder in this mailbox",
    "item_id": "id of the item in the export; of a loose stream, its file",
    "new_id": "its id in this mailbox",
    "change_key": "its version in this mailbox",
    "type": "its type, such as IPM.Note",
    "bytes": "how long its stream is",
    "sha256": "digest of its stream",
    "state": "imported or updated; already: it is there, and was left; planned; failed: see error; unknown: the answer "
    "was lost, and it cannot be told whether it is there",
    "error": "why it was not imported",
    "at": "when (UTC)",
}
CHUNK_ITEMS, CHUNK_BYTES = 20, 32 * 1024 * 1024
"""Items that are noted together before they leave."""

AT_A_TIME = 4
"""Items of a mailbox that are on their way together."""

RETRIED = 5_000
"""Items that failed and are remembered for the next run, a mailbox."""


class ItemsImportOptions(FromExport):
    """Options of items.import."""

    mode: Literal["create", "update"] = Field(
        "create", description="create: make items that are not there; update: also put back those that have changed "
        "since, in the mailbox that they were exported from"
    )  # fmt: skip
    folder: str = Field(
        "", description="path of a folder below which the folders of the export are made; without it, they stay where "
        "they were"
    )  # fmt: skip

    def by_id(self) -> str:
        return 'mode = "update"' if self.mode == "update" else ""


class Step(NamedTuple):
    """An item on its way: its folder here, and the item there that it replaces, if it replaces one."""

    stored: Stored
    folder: Folder
    instead: There | None = None


Answer: TypeAlias = There | OutcomeUnknown | GraphError | None
"""What came of an item that was sent; None in a plan."""


@task(
    "items.import",
    summary="Brings exported items back, into the same mailboxes or others",
    needs=all_of(
        "User.Read.All", "MailboxFolder.ReadWrite.All", "MailboxItem.Read.All", "MailboxItem.ImportExport.All"
    ),
    options=ItemsImportOptions,
    columns=COLUMNS,
    key_columns=("item_id",),
    writes=True,
    undo=undo,
    wants_columns=True,
    keeps_state=True,
    once=opened,
    finding=lambda row: row["state"] in ("failed", "unknown"),
)
async def items_import(mailbox: Mailbox, graph: Graph, options: ItemsImportOptions) -> AsyncIterator[Row]:
    """A row for each item of the export that has a stream."""
    source = options.mailbox_of(mailbox)
    held = await graph.thread(options.kept.of, source)
    ledger = Ledger.of(graph, held.name)
    run = Import(graph, await graph.exchange(), options, ledger)
    cursor, moved = Cursor(held.latest(ledger.resumed)), 0
    while chunk := await graph.thread(cursor.take, CHUNK_ITEMS, CHUNK_BYTES):
        todo = [one for one in chunk if ledger.lacks(one.number)]
        if todo:
            await run.look(todo)
            if not graph.planning:
                yield ledger.begin(todo, run.links(todo))
        told = {row["item_id"]: row async for row in run.rows(todo)} if todo else {}
        for one in chunk:
            yield {"source": source, **(told.get(one.item_id) or _row(one, one.folder, "already"))}
        moved += sum(one.bytes for one in chunk)
        graph.carried(moved, held.size)
        ledger.end(chunk, [one for one in todo if told[one.item_id]["state"] == "failed"])
    if not graph.planning:
        ledger.keep()


class Ledger:
    """Which items of an export are in a mailbox, by their numbers: all before `done`, but for those that `failed`.
    From there to `until` an earlier process may have made some."""

    def __init__(self, state: dict[str, Any], export: str, kept: Mapping[str, Any], *, resumed: bool) -> None:
        mine = kept if kept.get("export") == export else {}
        self._state = state
        self._export = export
        self._done, self._until = mine.get("done", 0), mine.get("until", 0)
        self._failed = set(mine.get("failed", ()))
        self.links: Mapping[str, str] = mine.get("links", {})
        self.resumed: int = self._done if resumed else 0

    @classmethod
    def of(cls, graph: Graph, export: str) -> "Ledger":
        checkpoint = graph.checkpoint
        return cls(graph.state, export, checkpoint or graph.state, resumed=bool(checkpoint))

    def lacks(self, number: int) -> bool:
        return number >= self._done or number in self._failed

    def is_doubtful(self, number: int) -> bool:
        """Whether an earlier process may have made it."""
        return self._done <= number < self._until or number in self._failed

    def begin(self, todo: Sequence[Stored], links: Mapping[str, str]) -> Lasting:
        """What is noted before the items of a chunk leave."""
        until = max(self._until, todo[-1].number + 1)
        state = {"export": self._export, "done": self._done, "until": until, "links": dict(links)}
        self._state.clear()
        self._state.update(state, failed=sorted(self._failed)[:RETRIED])
        return Lasting(self._state)

    def end(self, chunk: Sequence[Stored], failed: Sequence[Stored]) -> None:
        self._failed -= {one.number for one in chunk}
        self._failed |= {one.number for one in failed}
        self._done = max(self._done, chunk[-1].number + 1)

    def keep(self) -> None:
        """What the next run is given. It begins again with the first failed item for which there is no room."""
        failed = sorted(self._failed)
        done = failed[RETRIED] if len(failed) > RETRIED else self._done
        self._state.clear()
        self._state.update(export=self._export, done=done, until=self._done, failed=failed[:RETRIED])


class Import:
    """One mailbox's."""

    def __init__(self, graph: Graph, exchange: Graph, options: ItemsImportOptions, ledger: Ledger) -> None:
        self._graph = graph
        self._exchange = exchange
        self._options = options
        self._ledger = ledger
        self._session = Session(graph, exchange)
        self._stock = Stock(exchange)
        self._target = Target(exchange, options.folder)
        self._folders: dict[tuple[str, str], Folder] = {}
        self._earlier = told_before(graph.made)

    async def look(self, todo: Sequence[Stored]) -> None:
        """Finds or makes the folders of a chunk, and sees what is in them."""
        if not self._folders:
            await self._target.read()
        for one in todo:
            place = one.folder, one.known
            if place not in self._folders:
                self._folders[place] = folder = await self._target.place(*place, one.folder_type)
                if folder.id != UNMADE:
                    await self._stock.look(folder, self._ledger.links.get(folder.id, ""))

    def links(self, todo: Sequence[Stored]) -> dict[str, str]:
        ids = {self._folders[one.folder, one.known].id for one in todo}
        return {name: link for name, link in self._stock.links.items() if name in ids}

    async def rows(self, todo: Sequence[Stored]) -> AsyncIterator[Row]:
        """The rows of a chunk."""
        steps = []
        for one in todo:
            step = await self._step(one)
            if isinstance(step, Step):
                steps.append(step)
            else:
                yield step
        answers = await self._all_sent(steps)
        for step in steps:  # those that are lost are looked for when all others are known
            answer = answers[step.stored.number]
            yield self._told(step, await self._found(step, answer) if isinstance(answer, OutcomeUnknown) else answer)

    async def _all_sent(self, steps: Sequence[Step]) -> dict[int, Answer]:
        """By number, what came of each: some at a time, so that each is given the address as it is then."""
        coming, answers = iter(steps), dict[int, Answer]()

        async def lane() -> None:
            for step in coming:
                answers[step.stored.number] = await self._sent(step)

        await self._graph.gather(*(lane() for _ in range(AT_A_TIME)))
        for answer in answers.values():
            if isinstance(answer, There):
                self._stock.made(answer.id)
        return answers

    async def _step(self, one: Stored) -> Step | Row:
        """What is to be sent of an item, or the row of one of which nothing is."""
        folder = self._folders[one.folder, one.known]
        if fault := await self._graph.thread(self._options.kept.streams.fault, one):
            return _row(one, folder.path, "failed", error=f"Damaged: {fault}; nothing was sent")
        there = None
        if folder.id != UNMADE:
            there = await self._stock.take(folder, one, lost=self._ledger.is_doubtful(one.number))
        if there is not None:
            state = "imported" if ITEM + one.item_id in self._earlier else "already"
            return _row(one, folder.path, state, new_id=there.id, change_key=there.change_key)
        if folder.id != UNMADE and (doubt := self._stock.doubt(folder, one)):
            return _row(one, folder.path, "failed", error=f"{doubt}; nothing was sent")
        return Step(one, folder, await self._instead(one, folder) if self._options.mode == "update" else None)

    async def _instead(self, one: Stored, folder: Folder) -> There | None:
        """The item itself, as it is now, in the mailbox that it was exported from."""
        try:
            body = await self._exchange.get("/folders/{}/items/{}", folder.id, one.item_id)
        except GraphError as error:
            if error.status not in (400, 404):
                raise
            return None
        item = expect.an_item(body, "a mailbox item")
        return There(one.item_id, expect.text(item, "changeKey"))

    async def _sent(self, step: Step) -> Answer:
        """What came of one item; None in a plan. Raises a refusal that the next item would meet as well."""
        stored, instead = step.stored, step.instead
        wish: dict[str, Any] = {"FolderId": step.folder.id, "Mode": "update" if instead else "create"}
        if instead is not None:
            wish |= {"ItemId": instead.id, "ChangeKey": instead.change_key}
        before = orjson.dumps(wish)[:-1] + b',"Data":"'
        body = wrapped(self._options.kept.streams, stored, before, b'"}', self._graph.thread)
        after = {"folder": step.folder.path, "type": stored.type, "size": stored.size, "sha256": stored.sha256}
        change = Change(ITEM + stored.item_id, {"id": instead.id} if instead else None, after)
        try:
            answer = await self._session.send(body, change)
        except OutcomeUnknown as error:
            return error
        except GraphError as error:
            if error.status in LASTING:
                raise
            lost = error.status == 408 or (error.status >= 500 and error.status != 507)
            return OutcomeUnknown(str(error)) if lost else error
        return None if answer is None else There(expect.text(answer, "itemId"), expect.text(answer, "changeKey"))

    async def _found(self, step: Step, answer: Answer) -> Answer:
        """An item whose answer was lost: looked for, and sent again if it is not there."""
        for left in reversed(range(SENDS)):
            await self._stock.look_again(step.folder)
            if there := await self._stock.take(step.folder, step.stored, lost=True):
                return there
            if doubt := self._stock.doubt(step.folder, step.stored):
                return OutcomeUnknown(f"{answer}; {doubt}")
            if not left:
                break
            answer = await self._sent(step)
            if not isinstance(answer, OutcomeUnknown):
                if isinstance(answer, There):
                    self._stock.made(answer.id)
                return answer
        return answer

    def _told(self, step: Step, answer: Answer) -> Row:
        stored, path = step.stored, step.folder.path
        if answer is None:
            return _row(stored, path, "planned")
        if isinstance(answer, There):
            state = "updated" if step.instead else "imported"
            return _row(stored, path, state, new_id=answer.id, change_key=answer.change_key)
        return _row(stored, path, "unknown" if isinstance(answer, OutcomeUnknown) else "failed", error=str(answer))


def _row(one: Stored, path: str, state: str, **more: Any) -> Row:
    return {
        "folder": path, "item_id": one.item_id, "new_id": None, "change_key": None, "type": one.type,
        "bytes": one.bytes, "sha256": one.sha256, "state": state, "error": None,
        "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"), **more,
    }  # fmt: skip
