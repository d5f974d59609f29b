"""The verbs of Graph below one path, and what they raise. Each request is checked and encoded here, once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Any, TypeAlias, TypeVar

from bulkmail.address import Address
from bulkmail.core.odata import contradicts, exchange, link_path, user
from bulkmail.errors import BulkmailError, Defect, GraphError, TaskMistake
from bulkmail.graph.checks import Params, check_change, check_headers, content_of, path_of
from bulkmail.graph.create import created
from bulkmail.graph.download import SMALL, downloaded
from bulkmail.graph.gathering import CURRENT, Gathering
from bulkmail.graph.plain import error_from, plain_get
from bulkmail.graph.shared import Shared
from bulkmail.graph.signed import Signed
from bulkmail.graph.walk import Pages, Sizes
from bulkmail.model import NOTHING, BlobFile, Change, Direct, Effect, Made, Mailbox, Request, Store, Transport
from bulkmail.streams import Blob, Frame, Into, Pieces

T = TypeVar("T")
Call: TypeAlias = Coroutine[Any, Any, Any]

FOUND = 302

ASIDE = "/pre-signed"
"""The path of a request that goes to a pre-signed address, for the ledger: the address is a secret."""


class Graph:
    """Graph below one path. `base` is the endpoint with its version; next links are followed only there.

    A path may hold `{}` for each of the texts that follow it: `get("/messages/{}", id)`. They are quoted, so that
    nothing in them can lead elsewhere. What cannot be sent, such as a path out of the mailbox or a body that is not
    JSON, raises TaskMistake, and nothing leaves.
    """

    __slots__ = (
        "_base", "_direct", "_key", "_mailbox", "_prefix", "_row", "_shared", "_sizes", "_store", "_transport", "made",
        "planning",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - see `of`
        self,
        transport: Transport,
        base: str,
        prefix: str = "",
        mailbox: str = "",
        row: int = 0,
        key: str = "",
        planning: bool = False,  # noqa: FBT001, FBT002
        made: Sequence[Made] = (),
        store: Store | None = None,
        direct: Direct | None = None,
    ) -> None:
        self._transport = transport
        self._base = base
        self._prefix = prefix
        self._mailbox = mailbox
        self._key = key  # where the name says something else
        self._row = row
        self._sizes: Sizes | None = None  # from the first walk on
        self._shared: Shared | None = None  # from the first thing on that is read for several
        self._store = store
        self._direct = direct
        self.planning = planning
        """Whether writes are only noted. Each then answers None, as if it had been made."""
        self.made = made
        """What was changed, or may have been, by a process of this run that died before it could say so; the earliest
        first. The rows of a task tell of these changes as well."""

    def __repr__(self) -> str:
        return f"<Graph below {self._prefix or '/'}>"

    @classmethod
    def of(  # one for each mailbox: arguments by name would cost as much as all else here
        cls, mailbox: Mailbox, transport: Transport, base: str, target: str = "",
        planning: bool = False,  # noqa: FBT001, FBT002
        made: Sequence[Made] = (), store: Store | None = None, direct: Direct | None = None,
    ) -> "Graph":  # fmt: skip
        """Graph as one mailbox's task sees it: below that mailbox, or below `target`, the name of another one."""
        address, row, id_, _ = mailbox
        name, key = (target, "") if target else (id_ or address, mailbox.key if id_ else "")
        return cls(transport, base, user(name), name, row, key, planning, made, store, direct)

    @property
    def base(self) -> str:
        """The endpoint with its version: which cloud this is."""
        return self._base

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

    def blob(
        self, name: str, frame: Frame | None = None, *, hashed: bool = True
    ) -> AbstractAsyncContextManager[BlobFile]:
        """Binary output, in chunks, to a file of this mailbox in the run directory:

            async with graph.blob("inbox.mbox") as file:
                await file.write(chunk)
            yield {"subject": subject, **file.blob._asdict()}

        A name that is used again is an archive, to which the next blob is appended; `frame` is what stands around a
        member of it. What is not `hashed` has no digest. Raises OutputError."""
        return self._kept.blob(name, frame, hashed=hashed)

    def carried(self, done: int, expected: int) -> None:
        """Shows how far a long mailbox is: bytes that were moved, and about how many there will be."""
        self._kept.carried(done, expected)

    @property
    def direct(self) -> Signed:
        """Reads from and sends to pre-signed addresses. Raises TaskMistake where there is no way to them."""
        if self._direct is None:
            raise TaskMistake("this Graph has no way to pre-signed addresses: `Graph.of(..., direct=...)` gives it one")
        return Signed(self._direct, self._exchange, self._aside, planning=self.planning)

    @property
    def _kept(self) -> Store:
        if self._store is None:
            raise TaskMistake("this Graph has no store: `Graph.of(..., store=...)` gives it one")
        return self._store

    async def exchange(self, which: str = "primaryMailboxId") -> "Graph":
        """Graph below the same mailbox in the import and export API, `admin/exchange/mailboxes/{id}`. Its requests
        share the limits of the mailbox. `which` names the id among the mailbox's exchange settings.

        learn.microsoft.com/graph/api/usersettings-list-exchange
        """
        settings = await self.get("/settings/exchange")
        found = settings.get(which) if isinstance(settings, dict) else None
        if not isinstance(found, str) or not found:
            raise GraphError(200, "NotExchangeSettings", f"the answer holds no {which}")
        below = Graph(
            self._transport, self._base, exchange(found), self._mailbox, self._row,
            key=self._key, planning=self.planning, made=self.made, store=self._store, direct=self._direct,
        )  # fmt: skip
        below._sizes = self._sizes = self._sizes or Sizes()
        return below

    def get(self, path: str, *values: str, params: Params = NOTHING, headers: Mapping[str, str] = NOTHING) -> Call:
        """The decoded body of a GET. Raises GraphError for an answer from 400 on, TransportError for none at all."""
        return self._exchange(self._read, path, values, params, headers)

    async def raw(
        self, path: str, *values: str, params: Params = NOTHING, headers: Mapping[str, str] = NOTHING
    ) -> bytes:
        """The body of a GET as it comes, such as the MIME of a message: `raw("/messages/{}/$value", id)`."""
        body: bytes | None = await self._exchange(self._raw, path, values, params, headers)
        return body or b""

    def download(
        self, name: str, path: str, *values: str, most: int, likely: int = 0, headers: Mapping[str, str] = NOTHING
    ) -> Coroutine[Any, Any, Blob]:
        """Writes the content of a GET to a blob of this name as it comes, at most `most` bytes: memory holds a chunk of
        it. A stream that breaks off goes on behind what has come. Few run at a time, but for what is `likely` small.

        Raises GraphError, and TransportError, also for content that is larger; nothing of it is left then.
        """
        alone = not 0 < likely <= SMALL
        exchange = partial(self._exchange, self._loading, alone, path, values, NOTHING, headers)
        return downloaded(exchange, partial(self.blob, name), most, self._kept.turn if alone else nullcontext())

    async def thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """The result of work that blocks and only looks, such as reading a file: if cancelled, it is not waited for."""
        return await asyncio.to_thread(work, *arguments)

    async def location(
        self, path: str, *values: str, params: Params = NOTHING, headers: Mapping[str, str] = NOTHING
    ) -> Address:
        """Where a GET is redirected to (302): a pre-signed address, for `graph.direct`, which checks it when it is
        used. Raises GraphError for any other answer."""
        found = await self._exchange(self._moved, path, values, params, headers)
        if not isinstance(found, Address):
            raise GraphError(200, "NotRedirected", "the service answered, and named no address")
        return found

    def post(
        self,
        path: str,
        body: Any = None,
        *values: str,
        effect: Effect = Effect.NONE,
        change: Change | None = None,
        headers: Mapping[str, str] = NOTHING,
    ) -> Call:
        """A POST; say what repeating it does. Raises OutcomeUnknown when its answer is lost and repeating is not
        safe."""
        return self._call("POST", path, values, NOTHING, headers, body, effect, change)

    async def stream(self, path: str, body: Any, *values: str, into: Into) -> str:
        """A POST to an action that only reads, with an answer that may be too large for memory: its body goes `into`
        an async context that takes chunks. Each attempt enters it anew; one that breaks off leaves it with an error.
        Returns the request's id."""
        asked = ("POST", path, values, NOTHING, NOTHING, body, Effect.READ, None, into)
        return str((await self._exchange(self._streaming, *asked)).get("request-id", ""))

    async def create(
        self,
        path: str,
        body: Any,
        *values: str,
        change: Change,
        find: Callable[[], Awaitable[Any]],
        headers: Mapping[str, str] = NOTHING,
    ) -> Any:
        """A POST that makes a thing with a key of yours in it; `find` gives the thing with that key, or None.

        Look for the thing before the first call. When the answer is lost, the thing is looked for once the service has
        settled, and made again only if it is not there. The transport sees to the wait. Raises OutcomeUnknown when it
        cannot be told whether there is one.
        """

        return await created(
            lambda: self.post(path, body, *values, effect=Effect.KEYED, change=change, headers=headers), find
        )

    def patch(
        self,
        path: str,
        body: Any,
        *values: str,
        effect: Effect = Effect.IDEMPOTENT,
        change: Change | None = None,
        headers: Mapping[str, str] = NOTHING,
    ) -> Call:
        """A PATCH of absolute values, unless `effect` says otherwise."""
        return self._call("PATCH", path, values, NOTHING, headers, body, effect, change)

    def put(
        self,
        path: str,
        body: Any,
        *values: str,
        effect: Effect = Effect.IDEMPOTENT,
        change: Change | None = None,
        headers: Mapping[str, str] = NOTHING,
    ) -> Call:
        """A PUT of JSON, or of bytes with the Content-Type that `headers` name."""
        return self._call("PUT", path, values, NOTHING, headers, body, effect, change)

    def delete(
        self, path: str, *values: str, change: Change | None = None, headers: Mapping[str, str] = NOTHING
    ) -> Call:
        """A DELETE by id."""
        return self._call("DELETE", path, values, NOTHING, headers, None, Effect.IDEMPOTENT, change)

    def pages(
        self,
        path: str,
        *values: str,
        params: Params = NOTHING,
        headers: Mapping[str, str] = NOTHING,
        since: str = "",
    ) -> Pages:
        """The `value` lists of all pages; `headers` go with each. An empty page is not the end, only a missing next
        link is. `since` is the `delta` of an earlier walk of this path: only what has changed from then on comes.

        A page that ends in 504, or is cut off again and again, is asked for at half its size, and so are all pages of
        this mailbox that follow. Raises LinkRefused for a link that leaves the mailbox or comes again, and what `get`
        raises, all of them when the walk begins and not before.
        """

        async def read(link: str, page: bool) -> Any:  # noqa: FBT001 - called by Pages alone
            return await self._exchange(self._page, link, headers, page)

        def first() -> tuple[str, str]:
            if headers is not NOTHING:
                check_headers(headers)
            asked = self._prefix + path_of(path, values, params)
            return asked, link_path(since, self._base, asked) if since else asked

        self._sizes = self._sizes or Sizes()
        return Pages(first, read, self._base, self._sizes)

    async def items(
        self, path: str, *values: str, params: Params = NOTHING, headers: Mapping[str, str] = NOTHING
    ) -> AsyncIterator[Any]:
        """The items of all pages, one by one."""
        async for page in self.pages(path, *values, params=params, headers=headers):
            for item in page:
                yield item

    @property
    def shared(self) -> Shared:
        """What several parts of a task need of this mailbox, each read once for all of them by name:

        folders = await graph.shared.get("folders", lambda: read_folders(graph))
        """
        self._shared = self._shared or Shared()
        return self._shared

    @property
    def gathers(self) -> bool:
        """Whether this code runs in a `gather`. Where it does not, no other part of the task reads at the same time,
        and what only this one needs can be read without `shared`, which costs less."""
        return CURRENT.get() is not None

    async def gather(self, *calls: Coroutine[Any, Any, T]) -> list[T]:
        """The results of `calls` in their order, made at the same time as far as the limits permit.

        When one fails, those whose request is under way are awaited, and the others are given up. Raises the gravest
        error: a write that may have been made comes before one that was refused.
        """
        return await Gathering(calls).run() if calls else []

    def _call(self, *asked: Any) -> Call:
        """The exchange of what `_asked` is to be given."""
        return self._exchange(self._asked, *asked)

    def _asked(
        self,
        method: str,
        path: str,
        values: Sequence[str],
        params: Params,
        headers: Mapping[str, str],
        body: Any,
        effect: Effect,
        change: Change | None,
    ) -> Request:
        if headers is not NOTHING:
            check_headers(headers)
        content = None if body is None else content_of(body)
        change = check_change(change, body)
        return Request(
            method, self._prefix + path_of(path, values, params), self._mailbox, headers, body, effect,
            row=self._row, change=change, content=content, key=self._key,
        )  # fmt: skip

    def _read(self, path: str, values: Sequence[str], params: Params, headers: Mapping[str, str]) -> Request:
        if headers is not NOTHING:
            check_headers(headers)
        return plain_get(self._prefix + path_of(path, values, params), self._mailbox, headers, self._row, self._key)

    def _raw(self, *asked: Any) -> Request:
        return self._read(*asked)._replace(raw=True, batchable=False)

    def _streaming(self, *asked: Any) -> Request:
        *request, into = asked
        return self._asked(*request)._replace(into=into, batchable=False)

    def _loading(self, alone: bool, *asked: Any) -> Request:  # noqa: FBT001 - called by `_exchange` alone
        *request, into, start = asked
        return self._raw(*request)._replace(into=into, start=start, fresh=alone)

    def _moved(self, *asked: Any) -> Request:
        return self._read(*asked)._replace(batchable=False)

    def _aside(
        self, method: str, address: Address | None, body: bytes | Pieces, effect: Effect, change: Change | None,
        headers: Mapping[str, str],
    ) -> Request:  # fmt: skip
        """A request that goes to a pre-signed address."""
        check_headers(headers)
        content, pieces = (None, body) if isinstance(body, Pieces) else (body, None)
        return Request(
            method, ASIDE, self._mailbox, headers, None, effect, batchable=False, row=self._row,
            change=check_change(change, body), content=content, pieces=pieces, address=address, key=self._key,
        )  # fmt: skip

    def _page(self, link: str, headers: Mapping[str, str], page: bool) -> Request:  # noqa: FBT001 - called here alone
        return Request("GET", link, self._mailbox, headers, row=self._row, page=page, key=self._key)

    async def _exchange(self, make: Callable[..., Request], *asked: Any) -> Any:
        """The body of the answer to the request that `make` makes of `asked`; made here, since nothing is raised before
        the call is awaited, and one coroutine costs less than two."""
        request = make(*asked)
        gathered = CURRENT.get()
        if gathered is not None:
            gathered.leave()
            request = request._replace(waits=gathered)
        try:
            response = await self._transport.send(request)
        except BulkmailError:
            raise
        except Exception as error:
            raise Defect(f"{type(error).__name__} below {request.method} {request.path.partition('?')[0]}") from error
        finally:
            if gathered is not None:
                gathered.arrive()
        if response.status < 300 and not contradicts(response):
            return response.body
        if response.status == FOUND and make == self._moved and (there := response.headers.get("location")):
            return Address(there)
        raise error_from(response)
