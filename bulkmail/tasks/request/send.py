"""Sends one request for each mailbox, as the job says it: a read whose answer becomes rows, or a write.

A write looks first where the job says `compare`, and is not sent where all is as wanted. So a second run sends nothing.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Effect, Mailbox, Row
from bulkmail.task.changes import told_before
from bulkmail.task.declare import task
from bulkmail.task.permissions import Needs, stated
from bulkmail.tasks.request import cells
from bulkmail.tasks.request.compare import UNKNOWN, Found, found
from bulkmail.tasks.request.needed import least
from bulkmail.tasks.request.options import OWN_COLUMNS, SAVED_COLUMNS, Compare, RequestOptions
from bulkmail.tasks.request.places import at, unsigned
from bulkmail.tasks.request.undo import undo

LARGEST = 512 * 1024 * 1024
"""Bytes of content that is saved: more than any message or photo has."""


def needs(options: RequestOptions) -> Needs:
    """What the job says, or else what is known of the path."""
    if not hasattr(options, "path"):  # the options of no job
        return stated("")
    return stated(options.permission) or least(options.path, reads=options.reads)


def columns(options: RequestOptions) -> Mapping[str, str]:
    own = SAVED_COLUMNS if options.save else {} if options.reads else OWN_COLUMNS
    shown = {name: f"{place or 'all'} of the answer" for name, place in options.shown.items()}
    return {"mailbox": "address as the input gives it", **own, **shown}


@task(
    "request",
    summary="Any call of Graph, for every mailbox: what it answers as rows, or a change with plan, ledger and caps",
    needs=needs,
    options=RequestOptions,
    columns=columns,
    writes=True,
    reads=lambda options: options.reads,
    undo=undo,
    wants_columns=True,
    leaves=lambda options: bool(options.save),
)
async def request(mailbox: Mailbox, graph: Graph, options: RequestOptions) -> AsyncIterator[Row]:
    """A row for each thing that was read, or one for a write that was needed."""
    path = cells.path(options.path, mailbox, options.params)
    body = cells.body(options.body, mailbox)
    rows = _read(graph, path, body, options) if options.reads else _write(mailbox, graph, path, body, options)
    try:
        async for row in rows:
            yield row
    except GraphError as error:
        if error.code not in options.ignore_errors:
            raise


async def _read(graph: Graph, path: str, body: Any, options: RequestOptions) -> AsyncIterator[Row]:
    if options.save:
        blob = await graph.download(options.save, path, most=LARGEST, headers=options.headers)
        yield blob._asdict()
        return
    if options.method == "GET" and options.rows == "value" and options.paging:
        async for item in graph.items(path, headers=options.headers):
            yield _row(item, options)
        return
    if options.method == "GET":
        answer = await graph.get(path, headers=options.headers)
    else:
        answer = await graph.post(path, body, effect=Effect.READ, headers=options.headers)
    there = at(unsigned(answer), options.rows)
    if isinstance(answer, bytes) or (there is None and answer is not None):
        raise GraphError(200, "NotAsAsked", f"the answer has nothing at {options.rows!r}, or is not JSON (see save)")
    for item in there if isinstance(there, list) else () if there is None else (there,):
        yield _row(item, options)


async def _write(mailbox: Mailbox, graph: Graph, path: str, body: Any, options: RequestOptions) -> AsyncIterator[Row]:
    key = f"{options.method} {path}"
    earlier = told_before(graph.made).get(key)
    wanted, there = body, Found(None if options.method == "POST" else UNKNOWN, stands=False)
    look = options.compare
    if look is not None:
        wanted = body if look.wanted is None else cells.body(look.wanted, mailbox)
        there = await found(graph, _place_of(look, options, mailbox), look.rows, wanted)
    if there.stands and earlier is None:
        return
    change = Change(key, there.before, wanted)
    answer = there.item
    if not there.stands:
        answer = await _sent(mailbox, graph, path, body, change, options)
    before = change.before if earlier is None else earlier.before
    state = "planned" if graph.planning else "done"
    yield {"before": before or None, "after": change.after, "state": state, **_row(answer, options)}


async def _sent(mailbox: Mailbox, graph: Graph, path: str, body: Any, change: Change, options: RequestOptions) -> Any:
    effect, headers, look = options.repeating, options.headers, options.compare
    if options.method == "DELETE":
        return await graph.delete(path, change=change, headers=headers)
    if effect is Effect.KEYED and look is not None:
        read = _place_of(look, options, mailbox)

        async def find() -> Any:
            return (await found(graph, read, look.rows, change.after)).item

        return await graph.create(path, body, change=change, find=find, headers=headers)
    verbs = {"POST": graph.post, "PUT": graph.put, "PATCH": graph.patch}
    return await verbs[options.method](path, body, effect=effect, change=change, headers=headers)


def _place_of(look: Compare, options: RequestOptions, mailbox: Mailbox) -> str:
    """The path that is read to compare."""
    return cells.path(options.path if look.path is None else look.path, mailbox, look.params)


def _row(item: Any, options: RequestOptions) -> Row:
    shown = unsigned(item)
    return {name: at(shown, place) for name, place in options.shown.items()}
