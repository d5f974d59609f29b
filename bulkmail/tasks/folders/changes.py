"""Which folders of a mailbox have changed since the last run: one delta query, whose link is kept in the state of the
job. Reads only.

The link is kept when the mailbox has ended well, so that a run which fails repeats something and misses nothing.
learn.microsoft.com/graph/api/mailfolder-delta
"""

from typing import NamedTuple

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.tasks.kit import expect
from bulkmail.tasks.kit.delta import is_forgotten
from bulkmail.tasks.kit.folders import FOLDERS, PAGE

LINK = "link"
"""The name of the link in the state."""

LISTED, CHANGED, RESTARTED, REMOVED = "listed", "changed", "restarted", "removed"
_PARAMS = {"$select": "id,displayName,parentFolderId,totalItemCount,unreadItemCount,isHidden"}
_HEADERS = {"Prefer": f"odata.maxpagesize={PAGE}"}


class News(NamedTuple):
    """The ids of folders that are there, and how that became known; and those of folders that are gone."""

    change: str
    there: frozenset[str]
    gone: tuple[str, ...]


async def news(graph: Graph) -> News:
    """What has changed since the last run; all folders where there was none. Raises GraphError."""
    link = str(graph.state.get(LINK, ""))
    try:
        return await _walked(graph, link, CHANGED if link else LISTED)
    except GraphError as error:
        if not link or not is_forgotten(error):
            raise
    return await _walked(graph, "", RESTARTED)


async def _walked(graph: Graph, link: str, change: str) -> News:
    """The last word on each folder counts."""
    removed: dict[str, bool] = {}
    walk = graph.pages(FOLDERS + "/delta", params=_PARAMS, headers=_HEADERS, since=link)
    async for page in walk:
        removed |= {item["id"]: "@removed" in item for item in (expect.an_item(one, "a folder") for one in page)}
    graph.state[LINK] = walk.delta
    gone = tuple(id_ for id_, is_gone in removed.items() if is_gone) if change == CHANGED else ()
    return News(change, frozenset(id_ for id_, is_gone in removed.items() if not is_gone), gone)
