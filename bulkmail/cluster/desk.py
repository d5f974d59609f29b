"""Hands the rows of a run to workers and takes back what comes of them: every row is one worker's at a time, and ends
once. Decides at once, and knows neither Dask nor the clock.

A row is `held` by the session that it was handed to until its outcome is in. When a session has ended, its rows are
looked at as after a kill: what it noted of changes says which must not begin again, which have to settle first, and
what was made already.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bulkmail.cluster.messages import Given, Plain, Seen
from bulkmail.cluster.shards import Shard
from bulkmail.cluster.suspects import Suspects
from bulkmail.model import Ending, Made, Mailbox, Request, Status
from bulkmail.rundir.entries import Concluded, Intent, Reached
from bulkmail.rundir.heartbeat import Heartbeat
from bulkmail.rundir.unfinished import unfinished

NONE: Container[int] = frozenset()


@dataclass(slots=True, eq=False)
class Session:
    """A worker, from its first call to its end. `held` are its rows, `kept` those that are meant for it and were not
    handed out; `shard` is what it was given last. `open` are its changes without an end. `heard` is when it last gave a
    sign of life, in seconds; one that was not `greeted` has not begun, and was given nothing."""

    number: int
    name: str
    heard: float
    seen: Seen = field(default_factory=Seen)
    held: dict[int, Mailbox] = field(default_factory=dict)
    kept: deque[Mailbox] = field(default_factory=deque)
    shard: Shard = field(default_factory=Shard)
    open: dict[int, Request] = field(default_factory=dict)
    greeted: bool = False
    ended: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it has ended."""


class Desk:
    """`key_of` says what a row is kept together by: a mailbox has one worker at a time, since its limits are kept
    there. Rows that are `barred` are never handed out; `unsettled` ones not before the instant that is given for them;
    `made` are the changes of earlier processes, by row. `settle` is in seconds."""

    def __init__(
        self,
        key_of: Callable[[Mailbox], str],
        *,
        reached: Mapping[int, Reached],
        made: Mapping[int, Mapping[int, Made]],
        unsettled: Mapping[int, float],
        settle: float,
    ) -> None:
        self._key_of = key_of
        self._reached = reached
        self._made = {row: dict(changes) for row, changes in made.items()}
        self._unsettled = dict(unsettled)
        self._settle = settle
        self._owners: dict[str, tuple[Session, int]] = {}  # whose a key is, and how many of its rows
        self._keys: dict[int, str] = {}  # of rows that are owned
        self._again: deque[Mailbox] = deque()
        self._suspects = Suspects()
        self._alone: deque[Mailbox] = deque()  # to be begun with nothing else in hand
        self._later: list[tuple[float, int, Mailbox]] = []  # a heap, by the instant
        self._entries: dict[int, list[tuple[int, Request] | Concluded]] = {}  # of rows that are held
        self._of_rows: list[dict[int, Any]] = [self._entries, self._made, self._unsettled, self._suspects.lost]

    def __repr__(self) -> str:
        return f"<Desk {len(self._entries)} rows with changes, {len(self._later)} to settle>"

    @property
    def idle(self) -> bool:
        """Whether every row that was read has ended."""
        return not (self._owners or self._again or self._alone or self._later)

    def rest(self) -> list[Mailbox]:
        """All rows that are not held; they are handed out now."""
        rows = [*self._again, *self._alone, *(mailbox for _, _, mailbox in self._later)]
        self._again.clear()
        self._alone.clear()
        self._later.clear()
        return rows

    def at_hand(self, session: Session, now: float) -> Mailbox | None:
        """A row for this session that was read before."""
        while self._later and self._later[0][0] <= now:
            self._wait(heapq.heappop(self._later)[2])
        if self._alone and not session.held and (suspect := self._suspect(session, now)):
            return suspect
        if session.kept:
            return self._hold(session, session.kept.popleft())
        while self._again:
            if taken := self.take(session, self._again.popleft(), now):
                return taken
        return None

    def _suspect(self, session: Session, now: float) -> Mailbox | None:
        """One of a mailbox that no worker has."""
        for _ in range(len(self._alone)):
            mailbox = self._alone.popleft()
            if self._key_of(mailbox) not in self._owners:
                return self.take(session, mailbox, now)
            self._alone.append(mailbox)
        return None

    def is_full(self, session: Session) -> bool:
        """Whether it may have nothing else in hand."""
        return len(session.held) == 1 and next(iter(session.held)) in self._suspects

    def take(self, session: Session, mailbox: Mailbox, now: float) -> Mailbox | None:
        """A row that was just read, if this session can begin it now; otherwise it is kept for its time or its
        worker."""
        if self._unsettled and (at := self._unsettled.get(mailbox.row, 0.0)) > now:
            heapq.heappush(self._later, (at, mailbox.row, mailbox))
            return None
        if session.ended:  # while the row was being read
            self._wait(mailbox)
            return None
        key = self._keys[mailbox.row] = self._key_of(mailbox)
        owner, rows = self._owners.get(key, (session, 0))
        self._owners[key] = owner, rows + 1
        if owner is not session:
            owner.kept.append(mailbox)
            return None
        session.held[mailbox.row] = mailbox
        return mailbox

    def _hold(self, session: Session, mailbox: Mailbox) -> Mailbox:
        session.held[mailbox.row] = mailbox
        return mailbox

    def given(self, mailbox: Mailbox) -> Plain:
        """A row that is held, as it travels."""
        return Given(mailbox, self._reached.get(mailbox.row), self._made.get(mailbox.row)).plain()

    def intended(self, session: Session, number: int, request: Request) -> None:
        session.open[number] = request
        self._entries.setdefault(request.row, []).append((number, request))

    def concluded(self, session: Session, number: int, ending: Ending, id_: str) -> Request | None:
        """The request of a change that has ended; None for one that is not known any more."""
        request = session.open.pop(number, None)
        if request is not None:
            further = request.change is not None and request.change.further
            self._entries.setdefault(request.row, []).append(Concluded(number, request.row, ending, id_, further))
        return request

    def release(self, session: Session, row: int) -> Mailbox | None:
        """The mailbox of a row that has ended; None for one that this session does not hold, or holds no more: what it
        left beside the rows is cut off once the session has ended."""
        mailbox = None if session.ended else session.held.pop(row, None)
        if mailbox is not None:
            self._disown(row)
            for known in filter(None, self._of_rows):
                known.pop(row, None)
        return mailbox

    def _disown(self, row: int) -> None:
        key = self._keys.pop(row)
        owner, rows = self._owners[key]
        if rows > 1:
            self._owners[key] = owner, rows - 1
        else:
            del self._owners[key]

    def end(self, session: Session, now: float, beat: Heartbeat, *, lost: bool) -> Sequence[tuple[Mailbox, Status]]:
        """A session has ended, and nothing of it leaves any more: its rows are to be begun again. Returns those that
        must not be, with what they are; of a worker that was `lost`, what it held may be the reason."""
        session.ended = True
        if lost:
            self._suspects.lose(session.held)
        over = []
        for mailbox in [*session.held.values(), *session.kept]:
            self._disown(mailbox.row)
            if self._begun_for_good(mailbox.row, now, beat):
                over.append((mailbox, Status.UNKNOWN))
            elif self._suspects.is_lethal(mailbox.row):
                over.append((mailbox, Status.FAILED))
            else:
                self._put_back(mailbox)
        session.held.clear()
        session.kept.clear()
        return over

    def _put_back(self, mailbox: Mailbox) -> None:
        if at := self._unsettled.get(mailbox.row):
            heapq.heappush(self._later, (at, mailbox.row, mailbox))
        else:
            self._wait(mailbox)

    def _wait(self, mailbox: Mailbox) -> None:
        (self._alone if mailbox.row in self._suspects else self._again).append(mailbox)

    def _begun_for_good(self, row: int, now: float, beat: Heartbeat) -> bool:
        noted = self._entries.pop(row, ())
        entries = (one if isinstance(one, Concluded) else Intent.of(*one) for one in noted)
        found = unfinished(enumerate(entries), NONE, beat)
        self._made.setdefault(row, {}).update(found.made.get(row, {}))
        if row in found.unsettled:
            self._unsettled[row] = now + self._settle
        return row in found.barred
