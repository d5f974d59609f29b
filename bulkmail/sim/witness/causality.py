"""What the client of a request must have read when it sent it, told by the order of its requests. No clock is asked: a
machine that stands still for a while makes no client look early.

A client sends the next request on a connection when it has read the answer there. So a request behind an answer shows
that everything which was written before that answer lies before its client, too. It may have been sent without regard
to some of it, since a client reads several answers at a time and goes on with one of them first. What comes behind an
answer that was written after such a request was sent one hop later. After HOPS of them, what was written before the
first has been read, whatever else the client had to do.

Processes that share an application are taken for one client.
"""

import math
from typing import TypeAlias

HOPS = 2
"""One would do for a client that goes on with each answer at once; a batch is taken apart before its parts go on."""

Mark: TypeAlias = tuple[float, ...]
"""Of an answer: its number, and by hops the latest one that its client had shown to have read by then."""

NOTHING: Mark = (-math.inf,) * (1 + HOPS)


class Notice:
    """That a fence is up: `told` is the number of the first answer that says so, infinite until that is written."""

    __slots__ = ("told",)

    def __init__(self) -> None:
        self.told = math.inf


class Asked:
    """An HTTP request, as it came `behind` an answer on its connection, and the `notices` that its own answer gives."""

    __slots__ = ("app", "behind", "notices")

    def __init__(self, behind: Mark = NOTHING) -> None:
        self.app = ""
        self.behind = behind
        self.notices: list[Notice] = []

    def knows(self, notice: Notice) -> bool:
        """Whether its client had read the notice, beyond doubt."""
        return notice.told <= self.behind[HOPS]


class Answers:
    """All answers of a simulator, numbered as they are written."""

    def __init__(self) -> None:
        self._number = 0
        self._shown: dict[str, Mark] = {}  # by application, what all its requests together show to have been read

    def came(self, asked: Asked, app: str) -> None:
        """A request of this application has come."""
        asked.app = app
        self._shown[app] = tuple(map(max, self._shown.get(app, NOTHING), asked.behind))

    def written(self, asked: Asked) -> Mark:
        """Its answer is on its way, all of it. Returns the mark of that, for the next request on the connection."""
        self._number += 1
        for notice in asked.notices:
            notice.told = min(notice.told, self._number)
        return (self._number, *self._shown.get(asked.app, NOTHING)[:HOPS])
