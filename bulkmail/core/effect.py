"""Tells a write from a read. Trusts the method, and a POST only where Graph documents that it changes nothing."""

from bulkmail.model import Effect, Request

READS = frozenset({"GET", "HEAD"})

READING_ACTIONS = frozenset({
    "checkmembergroups", "checkmemberobjects", "createimportsession", "exportitems", "findmeetingtimes",
    "getmailtips", "getmembergroups", "getmemberobjects", "getschedule", "translateexchangeids",
})  # fmt: skip
"""Actions of a mailbox that are sent as a POST and only read; learn.microsoft.com/graph/api, `user`, `mailbox` and
`directoryobject`."""


def writes(request: Request) -> bool:
    """Whether `request` could change anything. A POST to a reading action says so itself, by its effect."""
    if request.method in READS:
        return False
    action = request.path.partition("?")[0].rpartition("/")[2].rpartition(".")[2].lower()
    return not (request.method == "POST" and request.effect is Effect.READ and action in READING_ACTIONS)
