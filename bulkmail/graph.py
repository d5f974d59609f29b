"""What a task sees of Graph: verbs, pages and parallel calls, all below its own mailbox. Knows no network and no
limits.

Paths are relative to the mailbox, so a task cannot touch another one by accident:

    settings = await graph.get("/mailboxSettings")
    async for rule in graph.pages("/mailFolders/inbox/messageRules"): ...
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias, TypeVar

from bulkmail.core.odata import PAGE, contradicts, error_of, ids_of, next_path, page_size, query, user, with_page_size
from bulkmail.errors import BulkmailError, Defect, GraphError, LinkRefused, OutcomeUnknown, Unanswered
from bulkmail.model import NOTHING, BlobFile, Change, Effect, Made, Mailbox, Request, Response, Store, Transport

T = TypeVar("T")
Params = Mapping[str, str | int]
Call: TypeAlias = Coroutine[Any, Any, Any]

PAGES = 100_000
"""Pages of one walk before it is taken for an endless one: at 10 items each, a million."""


SENDS = 3
"""Times that a thing with a key is made, at most: each time after it was looked for and not found."""


class Graph:
    """Graph below one path. `base` is the endpoint with its version; next links are followed only there."""

    __slots__ = (
        "_base", "_key", "_largest", "_mailbox", "_prefix", "_row", "_store", "_transport", "made", "planning",
    )  # fmt: skip

    def __init__(
        self,
        transport: Transport,
        base: str,
        prefix: str = "",
        mailbox: str = "",
        row: int = 0,
        *,
        key: str = "",
        planning: bool = False,
        made: Sequence[Made] = (),
        store: Store | None = None,
    ) -> None:
        self._transport = transport
        self._base = base
        self._prefix = prefix
        self._mailbox = mailbox
        self._key = key  # where the name says something else
        self._row = row
        self._largest = 0  # page that the service still managed; 0 until one was too much for it
        self.planning = planning
        """Whether writes are only noted. Each then answers None, as if it had been made."""
        self._store = store
        self.made = made
        """What was changed, or may have been, by a process of this run that died before it could say so; the earliest
        first. The rows of a task tell of these changes as well."""

    def __repr__(self) -> str:
        return f"<Graph below {self._prefix or '/'}>"

    @classmethod
    def of(
        cls,
        mailbox: Mailbox,
        transport: Transport,
        base: str,
        *,
        target: str = "",
        planning: bool = False,
        made: Sequence[Made] = (),
        store: Store | None = None,
    ) -> "Graph":
        """Graph as one mailbox's task sees it: below that mailbox, or below `target`, the name of another one."""
        name, key = (target, "") if target else (mailbox.name, mailbox.key if mailbox.id else "")
        return cls(transport, base, user(name), name, mailbox.row, key=key, planning=planning, made=made, store=store)

    @property
    def checkpoint(self) -> Mapping[str, Any]:
        """The last Checkpoint that the task yielded for this mailbox, in a process of this run that died or was
        stopped; empty where it begins anew."""
        return self._kept.checkpoint

    @property
    def state(self) -> dict[str, Any]:
        """What the mailbox left behind in the last run of this task with these options, such as a delta link. What is
        in it when the mailbox ends as ok is left for the next run. For tasks that are declared with `keeps_state`; it
        may be empty at any time, which means that all is to be done."""
        return self._kept.state

    def blob(self, name: str) -> AbstractAsyncContextManager[BlobFile]:
        """Binary output, in chunks, to a file of this mailbox in the run directory:

            async with graph.blob("inbox.mbox") as file:
                await file.write(chunk)
            yield {"subject": subject, **file.blob._asdict()}

        A name that is used again is an archive, to which the next blob is appended. Raises OutputError.
        """
        return self._kept.blob(name)

    @property
    def _kept(self) -> Store:
        if self._store is None:
            raise TypeError("this Graph has no store: `Graph.of(..., store=...)` gives it one")
        return self._store

    def get(self, path: str, *, params: Params = NOTHING, headers: Mapping[str, str] = NOTHING) -> Call:
        """The decoded body of a GET. Raises GraphError for an answer from 400 on, TransportError for none at all."""
        return self._body("GET", self._prefix + (query(path, params) if params else path), headers)

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        effect: Effect = Effect.NONE,
        change: Change | None = None,
        headers: Mapping[str, str] = NOTHING,
    ) -> Call:
        """A POST; say what repeating it does. Raises OutcomeUnknown when its answer is lost and repeating is not
        safe."""
        return self._body("POST", self._prefix + path, headers, body, effect, change)

    async def create(
        self,
        path: str,
        body: Any,
        *,
        change: Change,
        find: Callable[[], Awaitable[Any]],
        headers: Mapping[str, str] = NOTHING,
    ) -> Any:
        """A POST that makes a thing with a key of yours in it; `find` gives the thing with that key, or None.

        Look for the thing before the first call. When the answer is lost, the thing is looked for once the service has
        settled, and made again only if it is not there. The transport sees to the wait. Raises OutcomeUnknown when it
        cannot be told whether there is one.
        """
        for _ in range(SENDS):
            try:
                return await self.post(path, body, effect=Effect.KEYED, change=change, headers=headers)
            except OutcomeUnknown as error:
                lost = error
                if (found := await find()) is not None:
                    return found
        raise lost

    def patch(
        self,
        path: str,
        body: Any,
        *,
        effect: Effect = Effect.IDEMPOTENT,
        change: Change | None = None,
        headers: Mapping[str, str] = NOTHING,
    ) -> Call:
        """A PATCH of absolute values, unless `effect` says otherwise."""
        return self._body("PATCH", self._prefix + path, headers, body, effect, change)

    def delete(self, path: str, *, change: Change | None = None, headers: Mapping[str, str] = NOTHING) -> Call:
        """A DELETE by id."""
        return self._body("DELETE", self._prefix + path, headers, effect=Effect.IDEMPOTENT, change=change)

    async def pages(
        self, path: str, *, params: Params = NOTHING, headers: Mapping[str, str] = NOTHING
    ) -> AsyncIterator[list[Any]]:
        """The `value` lists of all pages; `headers` go with each. An empty page is no end, only a missing next link is.

        A page that ends in 504, or is cut off again and again, is asked for at half its size, and so are all pages of
        this mailbox that follow. Raises LinkRefused for a link that leaves the mailbox or comes again, and what `get`
        raises.
        """
        asked = link = self._prefix + query(path, params)
        seen = {asked}
        for _ in range(PAGES):
            size = page_size(link) or PAGE
            if size > self._largest > 0 and (link == asked or page_size(link)):  # other links say their size in code
                size, link = self._largest, with_page_size(link, self._largest)
            try:
                body = await self._body("GET", link, headers, page=size > 1)
            except (GraphError, Unanswered) as error:
                if size < 2 or (isinstance(error, GraphError) and error.status != 504):
                    raise
                self._largest = size // 2
                link = with_page_size(link, self._largest)
                continue
            yield _items(body)
            following = next_path(body, self._base, asked)
            if following is None:
                return
            if following in seen:
                raise LinkRefused("the pages go in a circle")
            seen.add(following)
            link = following
        raise LinkRefused(f"more than {PAGES} pages")

    async def items(
        self, path: str, *, params: Params = NOTHING, headers: Mapping[str, str] = NOTHING
    ) -> AsyncIterator[Any]:
        """The items of all pages, one by one."""
        async for page in self.pages(path, params=params, headers=headers):
            for item in page:
                yield item

    async def gather(self, *calls: Coroutine[Any, Any, T]) -> list[T]:
        """The results of `calls` in their order, made at the same time as far as the limits permit; the first error
        ends all."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(call) for call in calls]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _body(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Any = None,
        effect: Effect = Effect.READ,
        change: Change | None = None,
        *,
        page: bool = False,
    ) -> Any:
        request = Request(
            method, path, self._mailbox, headers, body, effect, row=self._row, change=change, page=page, key=self._key
        )
        try:
            response = await self._transport.send(request)
        except BulkmailError:
            raise
        except Exception as error:
            raise Defect(f"{type(error).__name__} below {method} {path.partition('?')[0]}") from error
        if response.status < 300 and not contradicts(response):
            return response.body
        raise _error(response)


def _error(response: Response) -> GraphError:
    code, message = error_of(response.body)
    if 300 <= response.status < 400:
        code, message = code or "RedirectRefused", "the service answered with a redirect, which is not followed"
    return GraphError(response.status, code, message or "no reason given", **ids_of(response))


def _items(body: Any) -> list[Any]:
    items = body.get("value") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise GraphError(200, "NotAPage", "the answer has no list of values")
    return items
