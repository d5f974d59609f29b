"""Changes the messages that a selection means: finds all of them first, because pages shift while messages go, then
brings each to what is wished of it. A message that is so already costs no write.

What a change makes of a message is told by its `after`: None, it is deleted for good; `folder`, it lies in that one;
anything else are properties of it. Moves and deletions by an immutable id come to the same however often they are sent.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from bulkmail.errors import BulkmailError, GraphError, NotAsPlanned
from bulkmail.graph import Graph
from bulkmail.model import Change, Effect, Mailbox, Row
from bulkmail.task.changes import told_before
from bulkmail.tasks.kit import match
from bulkmail.tasks.kit.collection import Step, chunked, tolerated
from bulkmail.tasks.kit.tree import Tree
from bulkmail.tasks.messages.find import COLUMNS as FOUND
from bulkmail.tasks.messages.find import row_of
from bulkmail.tasks.messages.guards import Guarded, protected_folders
from bulkmail.tasks.messages.held import Held, held
from bulkmail.tasks.messages.scope import is_absent, tree_of
from bulkmail.tasks.messages.walk import IMMUTABLE, MESSAGE, Message, matching, read_message

LASTING = tuple(name for name in FOUND if name not in ("mailbox", "size", "is_read"))
"""Columns that say the same of a message whenever it is looked at. They are part of a change, so that a plan which was
looked at is carried out although someone has read the message meanwhile."""

COLUMNS = {
    "mailbox": FOUND["mailbox"],
    **{name: FOUND[name] for name in LASTING},
    "action": "move, delete, categorise or mark",
    "before": "what it was: path of its folder, its categories, or its marks",
    "after": "what it is or would be; empty where it is deleted for good",
    "state": "planned or done; protected: left alone, as the job says; gone: someone else took it away in this moment",
}
KEY = "message:"
"""What the keys of changes begin with, before the immutable id."""

Parts: TypeAlias = Mapping[str, Any]
Wish: TypeAlias = Callable[[Message], Parts | None]
"""What is wanted of a message: the parts that differ, none where it is so already; None, that it is gone."""

Prepare: TypeAlias = Callable[[Graph, Any, Tree], Awaitable[Wish]]


class Plan(NamedTuple):
    """What is wished in one mailbox: made when the first message is found. `spared` are ids of protected folders."""

    tree: Tree
    wish: Wish
    spared: frozenset[str]


async def written(
    mailbox: Mailbox, graph: Graph, options: Guarded, action: str, prepare: Prepare, more: Sequence[str] = ()
) -> AsyncIterator[Row]:
    """A row for each message that is changed or protected. Raises GraphError for more than `max_per_mailbox`, with
    nothing written, and for a refusal once the others had their turn."""
    earlier = told_before(graph.made)
    state = "planned" if graph.planning else "done"
    plan: Plan | None = None
    refusal: BulkmailError | None = None
    with held(graph) as todo:
        async for message in matching(graph, options, (*more, *options.reads)):
            plan = plan or await _planned(graph, options, prepare)
            if (after := plan.wish(message)) == {}:
                continue
            if options.spares(mailbox, message.folder in plan.spared, message.props):
                yield _row(change_of(message, after, plan.tree), plan.tree, action, "protected")
                continue
            await todo.add(message)
            options.check(len(todo))
        if plan is not None:
            async for change, told in _carried_out(graph, todo, plan):
                gone = isinstance(told, GraphError) and is_absent(told)
                if told is not None and not gone:
                    refusal = refusal or told
                    continue
                earlier.pop(change.key, None)
                yield _row(change, plan.tree, action, "gone" if gone else state)
    if earlier:
        tree = plan.tree if plan is not None else await tree_of(graph, options)
        for change in earlier.values():  # what a process that died has written, and needs no more
            yield _row(change, tree, action, state)
    if refusal is not None:
        raise refusal


async def _planned(graph: Graph, options: Guarded, prepare: Prepare) -> Plan:
    tree = await tree_of(graph, options)
    return Plan(tree, await prepare(graph, options, tree), await protected_folders(graph, options, tree))


async def _carried_out(graph: Graph, todo: Held, plan: Plan) -> AsyncIterator[tuple[Change, BulkmailError | None]]:
    """The change of each message with the refusal that it met, if any."""
    note = partial(change_of, tree=plan.tree)
    async for pack in todo.packs():
        steps = (partial(_apart, partial(bring, graph, message, plan.wish, note)) for message in pack)
        waiting = iter(pack)
        async for told in chunked(graph, steps):
            message = next(waiting)
            yield note(message, plan.wish(message)), told


async def _apart(step: Step[None]) -> BulkmailError | None:
    """The refusal of one message, or of a plan that does not have its change: the others are not kept by it."""
    try:
        return await tolerated(step)
    except NotAsPlanned as error:
        return error


async def bring(graph: Graph, message: Message, wish: Wish, note: Callable[[Message, Parts | None], Change]) -> None:
    """Brings a message to what is wished; `note` makes the change for the ledger. Raises GraphError, 404 for one that
    is gone, and NoSuchFolder where it is the folder."""
    after = wish(message)
    change = note(message, after)
    if after is None:
        path = MESSAGE + "/permanentDelete"
        await graph.post(path, None, message.id, effect=Effect.IDEMPOTENT, change=change, headers=IMMUTABLE)
    elif "folder" in after:
        body = {"destinationId": after["folder"]}
        path = MESSAGE + "/move"
        try:
            await graph.post(path, body, message.id, effect=Effect.IDEMPOTENT, change=change, headers=IMMUTABLE)
        except GraphError as error:
            if not is_absent(error):
                raise
            await read_message(graph, message.id)  # it is there: then what is absent is where it should go
            raise _no_place(error) from error
    else:
        await match.update(
            graph, message.path, message,
            differing=lambda now: wish(now) or {},
            change=note,
            read=lambda: read_message(graph, message.id, tuple(after)),
        )  # fmt: skip


def _no_place(error: GraphError) -> GraphError:
    said = "the folder that the message should go to is not there any more"
    ids = {"request_id": error.request_id, "client_request_id": error.client_request_id}
    return GraphError(error.status, "NoSuchFolder", said, **ids)


def change_of(message: Message, after: Parts | None, tree: Tree) -> Change:
    """`before` has the row as well, so that it can be told when the message is there no more."""
    before = {name: message.part(name) for name in after or ()}
    row = row_of(message, tree)
    lasting = {name: row[name] for name in LASTING}
    return Change(KEY + message.id, {"row": lasting, "folder": message.folder, **before}, after)


def _row(change: Change, tree: Tree, action: str, state: str) -> Row:
    return {**change.before["row"], "action": action, **_told(change, tree), "state": state}


def _told(change: Change, tree: Tree) -> Row:
    """The columns before and after."""
    after = change.after
    if after is None or "folder" in after:
        return {"before": tree.path(change.before["folder"]), "after": after and tree.path(after["folder"])}
    before = {name: change.before.get(name) for name in after}
    if tuple(after) == ("categories",):
        return {"before": before["categories"], "after": after["categories"]}
    return {"before": before, "after": after}
