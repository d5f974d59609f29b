"""Which clouds have mailbox import and export: the global one. The others are refused before anything is asked.

learn.microsoft.com/graph/mailbox-import-export-concept-overview; the schemas of the national clouds do not have it.
"""

from typing import Any
from urllib.parse import urlsplit

from bulkmail.errors import ConfigError
from bulkmail.graph import Graph

LACKING = frozenset({"graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"})


async def require(graph: Graph, options: Any) -> Any:
    """The options. Raises ConfigError in a cloud that lacks it."""
    host = urlsplit(graph.base).hostname or ""
    if host in LACKING:
        raise ConfigError(
            f"the cloud of {host} has no import and export of mailbox items",
            hint="Only the global cloud has it.",
        )
    return options
