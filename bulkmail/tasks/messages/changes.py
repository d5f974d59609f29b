"""What has changed in the messages of a mailbox since the last run: a delta query for each folder; its link is kept in
the state of the job. Reads only.

A folder without a link is listed whole. So is one of which the service has forgotten what the link stood for; its rows
say that it was started over. The links are kept when the mailbox has ended well, so that a run which fails repeats
something and misses nothing. The service may tell of a message twice, tell of it in part, or have nothing to tell on a
page and go on. learn.microsoft.com/graph/delta-query-messages
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.tasks.kit.delta import is_forgotten
from bulkmail.tasks.messages.criteria import RECEIVED
from bulkmail.tasks.messages.scope import folder_keys, in_folder, is_absent, tree_of
from bulkmail.tasks.messages.selection import Selection, holds
from bulkmail.tasks.messages.walk import IMMUTABLE, MESSAGE, PAGE, Message, Seen, with_attachments

LINKS = "folders"
"""The name, in the state, of the links by the ids of their folders."""

LISTED, CHANGED, RESTARTED, REMOVED = "listed", "changed", "restarted", "removed"
MOST = 10_000
"""Changes of a folder that are held until its walk has ended; of more, some may be told twice."""

HEADERS: Mapping[str, str] = {"Prefer": f"{IMMUTABLE['Prefer']}, odata.maxpagesize={PAGE}"}


class News(NamedTuple):
    """A message that is there, and how that became known; or, where it has left the folder, its id alone."""

    change: str
    folder: str
    id: str
    message: Message | None


async def news(graph: Graph, options: Selection) -> AsyncIterator[News]:
    """What the selection means and has changed. What has left a folder is told of every message: what it was is not
    known any more. Afterwards the state of the mailbox has the links of all folders that are there."""
    known: Mapping[str, str] = graph.state.get(LINKS, {})
    links: dict[str, str] = {}
    for folder in await _folders(graph, options):
        link = known.get(folder, "")
        try:
            async for one in _folder(graph, options, folder, CHANGED if link else LISTED, link, links):
                yield one
        except GraphError as error:
            if is_absent(error) and not is_forgotten(error):
                continue
            if not link or not is_forgotten(error):
                raise
            async for one in _folder(graph, options, folder, RESTARTED, "", links):
                yield one
    graph.state[LINKS] = links


async def _folders(graph: Graph, options: Selection) -> list[str]:
    """The ids of the folders that are looked into."""
    if options.folders:
        return await folder_keys(graph, options)
    return list(await tree_of(graph, options))


async def _folder(
    graph: Graph, options: Selection, folder: str, change: str, link: str, links: dict[str, str]
) -> AsyncIterator[News]:
    """One folder. Of changes the last word on each message counts, so they are held until the end; a whole folder is
    told as it comes."""
    template, ids = in_folder(folder)
    walk = graph.pages(template + "/delta", *ids, params=options.params(), headers=HEADERS, since=link)
    latest: dict[str, News] = {}
    seen, criteria = Seen(), options.criteria
    async for page in walk:
        for one in await _read(graph, options, folder, change, page):
            if one.message is not None and not holds(criteria, one.message.props):
                latest.pop(one.id, None)
            elif change == CHANGED:
                latest[one.id] = one
            elif one.message is not None and seen.first(one.id):
                yield one
        if len(latest) > MOST:
            for one in latest.values():
                yield one
            latest.clear()
    for one in latest.values():
        yield one
    links[folder] = walk.delta


async def _read(graph: Graph, options: Selection, folder: str, change: str, page: list[Any]) -> list[News]:
    """The items of a page. What is told of in part is read whole."""
    items = {str(one["id"]): one for one in page if isinstance(one, dict) and isinstance(one.get("id"), str)}
    gone = {id_ for id_, one in items.items() if "@removed" in one}
    parts = [id_ for id_, one in items.items() if id_ not in gone and RECEIVED not in one]
    whole = dict(zip(parts, await graph.gather(*(_whole(graph, options, id_) for id_ in parts)), strict=True))
    there = [Message.of(body) for id_, one in items.items() if id_ not in gone and (body := whole.get(id_, one))]
    fitting = await with_attachments(graph, options, there)
    return [
        *(News(REMOVED, folder, id_, None) for id_ in gone),
        *(News(change, folder, message.id, message) for message in fitting),
    ]


async def _whole(graph: Graph, options: Selection, id_: str) -> Any:
    """A message; None for one that is gone, or has left the folder: the next walk tells of that."""
    try:
        return await graph.get(MESSAGE, id_, params=options.params(), headers=IMMUTABLE)
    except GraphError as error:
        if not is_absent(error):
            raise
        return None
