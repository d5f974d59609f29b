"""Tells when a delta link is refused because the service has forgotten what it stood for: all is then read anew.

learn.microsoft.com/graph/delta-query-overview
"""

from bulkmail.errors import GraphError

FORGOTTEN = frozenset({"syncstatenotfound", "resyncrequired", "syncstateinvalid"})
"""Codes, in lower case, by which the service says so with 410 or another 40x."""


def is_forgotten(error: GraphError) -> bool:
    """Whether the link is of no use any more."""
    return error.status == 410 or (400 <= error.status < 500 and error.code.casefold() in FORGOTTEN)
