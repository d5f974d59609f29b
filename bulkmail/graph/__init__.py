"""What a task sees of Graph: verbs, pages and parallel calls, all below its own mailbox. Knows no network and no
limits.

Paths are relative to the mailbox, so a task cannot touch another one. What comes from outside is given after the path,
and is quoted:

    settings = await graph.get("/mailboxSettings")
    async for contact in graph.items("/contactFolders/{}/contacts", folder_id): ...
"""

from bulkmail.graph.create import SENDS
from bulkmail.graph.gathering import Gathering
from bulkmail.graph.graph import Call, Graph
from bulkmail.graph.walk import PAGES, Pages

__all__ = ["PAGES", "SENDS", "Call", "Gathering", "Graph", "Pages"]
