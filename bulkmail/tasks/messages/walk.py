"""Walks the messages that a selection means, page by page, so that millions of them are never in memory together.

The pages are ordered by time, the oldest first, so that what arrives meanwhile comes at the end and moves nothing.
Ids are immutable ones: they outlive a move. learn.microsoft.com/graph/outlook-immutable-id
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

from bulkmail.core.odata import segment
from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.tasks.kit import expect
from bulkmail.tasks.messages.criteria import RECEIVED, read, size_of
from bulkmail.tasks.messages.scope import Path, is_absent, paths
from bulkmail.tasks.messages.selection import LISTED, Selection, holds

MESSAGE = "/messages/{}"
IMMUTABLE: Mapping[str, str] = {"Prefer": 'IdType="ImmutableId"'}
PAGE = 500
"""Messages of a page, of the 1,000 that the service gives: larger ones run into its time limit more often."""

REMEMBERED = 5_000
"""Ids that are remembered, to tell a message once that comes twice because the pages have shifted."""


class Message(NamedTuple):
    """One message as it was listed. `folder` is the id of the folder that it lies in, `size` is in bytes."""

    id: str
    folder: str
    subject: str
    sender: str
    received: str
    size: int | None
    is_read: bool
    has_attachments: bool
    internet_message_id: str
    props: Mapping[str, Any]

    @classmethod
    def of(cls, body: Any) -> Self:
        item = expect.an_item(body, "a message")
        return cls(
            item["id"],
            expect.text(item, "parentFolderId"),
            expect.text(item, "subject"),
            _text(read(item, "from/emailAddress/address")),
            expect.text(item, RECEIVED),
            size_of(item),
            _true(item.get("isRead")),
            _true(item.get("hasAttachments")),
            expect.text(item, "internetMessageId"),
            item,
        )

    @property
    def path(self) -> str:
        return f"/messages/{segment(self.id)}"

    @property
    def etag(self) -> str:
        return expect.text(self.props, "@odata.etag")

    def part(self, name: str) -> Any:
        """A property, in the form in which it is compared and written; `folder` is where the message lies."""
        if name in ("folder", "isRead"):
            return self.folder if name == "folder" else self.is_read
        value = self.props.get(name)
        if name == "categories":
            return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
        return value


def same(name: str, one: Any, other: Any) -> bool:
    """Whether two values of a part say the same. Of a flag only its status counts: a date does not make it another."""
    if name == "flag":
        one, other = (value.get("flagStatus") if isinstance(value, dict) else None for value in (one, other))
    return bool(one == other)


async def read_message(graph: Graph, id_: str, more: Sequence[str] = ()) -> Message:
    """One message as it is now. Raises GraphError, 404 for one that is gone."""
    params = {"$select": ",".join(dict.fromkeys((*LISTED, *more)))}
    return Message.of(await graph.get(MESSAGE, id_, params=params, headers=IMMUTABLE))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _true(value: Any) -> bool:
    """The service has been seen to write truth as a text."""
    return value is True or value == "true"


async def matching(graph: Graph, options: Selection, more: Sequence[str] = ()) -> AsyncIterator[Message]:
    """The messages that are meant, each once, in folders that may be none. `more` are properties that `$select` names
    besides."""
    seen, criteria = Seen(), options.criteria
    for path in await paths(graph, options):
        async for page in _pages(graph, options, path, more):
            found = [Message.of(one) for one in page if isinstance(one, dict) and holds(criteria, one)]
            for message in await with_attachments(graph, options, found):
                if seen.first(message.id):
                    yield message


async def _pages(graph: Graph, options: Selection, path: Path, more: Sequence[str]) -> AsyncIterator[list[Any]]:
    """The pages of one list, by the narrowest filter that the service takes. A folder that is not there has none."""
    params = {**options.params(more), "$top": PAGE, "$orderby": RECEIVED}
    template, values = path
    for text in (filters := options.filters()):
        begun = False
        try:
            async for page in graph.pages(template, *values, params={**params, "$filter": text}, headers=IMMUTABLE):
                begun = True
                yield page
        except GraphError as error:
            if not begun and values and is_absent(error):
                return
            if begun or error.status != 400 or text == filters[-1]:
                raise  # else it is InefficientFilter or the like: what the filter would have judged is judged here
        else:
            return


async def with_attachments(graph: Graph, options: Selection, found: list[Message]) -> list[Message]:
    """Those of the messages of which an attachment is as it is asked for."""
    if not options.of_attachments:
        return found
    candidates = [message for message in found if message.has_attachments]
    listed = await graph.gather(*(_attachments(graph, message.id) for message in candidates))
    return [message for message, rows in zip(candidates, listed, strict=True) if any(map(options.holds_of, rows))]


async def _attachments(graph: Graph, message: str) -> list[Any]:
    params: dict[str, str | int] = {"$select": "name,contentType,size", "$top": PAGE}
    try:
        rows = graph.items(MESSAGE + "/attachments", message, params=params, headers=IMMUTABLE)
        return [row async for row in rows if isinstance(row, dict)]
    except GraphError as error:
        if is_absent(error):  # it was deleted meanwhile
            return []
        raise


class Seen:
    """The last ids that came."""

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    def first(self, id_: str) -> bool:
        """Whether it has not come before, as far as that is remembered."""
        if id_ in self._ids:
            return False
        self._ids[id_] = None
        if len(self._ids) > REMEMBERED:
            del self._ids[next(iter(self._ids))]
        return True
