"""Holds a run to the changes of a plan: what the plan does not have is not sent.

A change is the same if it concerns the same row and thing, from the same value to the same value. A mailbox that was
changed since the plan was made asks for another change, and is left alone.
"""

from collections.abc import Iterable
from hashlib import blake2b

import orjson

from bulkmail.errors import NotAsPlanned
from bulkmail.model import Change, Ending, Ledger, Request
from bulkmail.rundir.entries import ChangeEntry, Intent
from bulkmail.sink import json_line
from bulkmail.source.rows import Rows


class Planned:
    """The changes of a plan, each as a digest of 16 bytes. `rows` are those that have any."""

    def __init__(self, ledger: Iterable[ChangeEntry], complete: Rows) -> None:
        """`complete` are rows whose mailboxes were planned to their end."""
        self.rows = Rows()
        self._digests: set[bytes] = set()
        for entry in ledger:
            if isinstance(entry, Intent) and entry.planned and entry.row in complete:
                self.rows.add(entry.row)
                self._digests.add(_digest(entry.row, entry.change))

    def __len__(self) -> int:
        return len(self._digests)

    def __repr__(self) -> str:
        return f"<Planned {len(self)} changes in {len(self.rows)} mailboxes>"

    def has(self, intent: Intent) -> bool:
        return _digest(intent.row, intent.change) in self._digests


class PlannedOnly:
    """A `model.Ledger` in front of another one, which only hears of changes that were planned."""

    def __init__(self, inner: Ledger, planned: Planned) -> None:
        self._inner = inner
        self._planned = planned

    async def plan(self, request: Request, /) -> None:
        await self._inner.plan(request)

    async def intend(self, request: Request, /) -> int:
        """Raises NotAsPlanned, before anything is noted or sent."""
        intent = Intent.of(0, request)
        if not self._planned.has(intent):
            raise NotAsPlanned(
                f"{intent.change.key} is not as it was when this was planned, and was left alone",
                hint="Plan once more to see what would be changed now.",
            )
        return await self._inner.intend(request)

    def conclude(self, number: int, request: Request, ending: Ending, id: str = "", /) -> None:  # noqa: A002
        self._inner.conclude(number, request, ending, id)


def _digest(row: int, change: Change) -> bytes:
    """Of the JSON, as the ledger has it, with the members of objects in order."""
    written = orjson.loads(json_line({"change": [row, change.key, change.before, change.after]}))
    return blake2b(orjson.dumps(written, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
