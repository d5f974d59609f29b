"""Shares the slots of each mailbox with other runs on this host that work with the same application, and tells of it.

The service counts requests in flight by application and mailbox, whichever process sends them. What the rate allows is
not divided: each run learns it from the service, whatever other programs use it.
"""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import orjson

from bulkmail.app.observe import Note
from bulkmail.app.prepare import Prepared
from bulkmail.errors import OutputError
from bulkmail.run.stop import Stop
from bulkmail.rundir.manifest import PinnedApp
from bulkmail.rundir.registry import Entry, Lease, Share
from bulkmail.sink.uncancelled import give_up
from bulkmail.transport import Stack

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two looks at the others."""

UNKNOWN = "whether another run works with this application cannot be told"


def registry(app: PinnedApp, folder: Path | None) -> Path:
    """Where the runs of an application on this host are entered: below `folder`, or below a folder of the account, so
    that runs of other accounts are known only if both name one `folder`."""
    name = sha256(orjson.dumps(asdict(app), option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    return (folder or _folder_of_the_account()) / name


def _folder_of_the_account() -> Path:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "") or "~"
    else:
        base = os.environ.get("XDG_STATE_HOME", "") or "~/.local/state"
    return Path(base).expanduser() / "bulkmail" / "running"


class Sharing:
    """A run among the others, while it goes. `wants` is what its job allows a mailbox; one that `waits` takes no slot
    until the runs before it have ended."""

    def __init__(self, lease: Lease, stack: Stack, note: Note, *, wants: int, waits: bool) -> None:
        self._lease = lease
        self._stack = stack
        self._note = note
        self._wants = wants
        self._waits = waits
        self._allowed = 0
        self._told: tuple[int, tuple[str, ...]] = (wants, ())
        self.met: dict[str, None] = {}
        """The runs that slots were shared with, as they are told of."""

    async def begin(self) -> None:
        """Until this run may have a request of each mailbox in flight."""
        with self._telling():
            while (share := await self._look()).slots < 1:
                if met := share.before if self._waits else share.others:
                    self._tell(0, met)
                self._waits = self._waits and bool(share.before)
                await asyncio.sleep(EVERY if share.others else 0)
            self._tell(share.slots, share.others)

    async def go_on(self) -> None:
        """Looks at the others every second, until it is cancelled."""
        with self._telling():
            while True:
                await asyncio.sleep(EVERY)
                share = await self._look()
                self._tell(share.slots, share.others)

    async def _look(self) -> Share:
        wants, allowed, most = 0 if self._waits else self._wants, self._allowed, self._stack.most_in_flight()
        share = await asyncio.to_thread(self._lease.settle, wants, allowed=allowed, most=most)
        if share.slots and share.slots != allowed:
            self._stack.share(share.slots)
        self._allowed = share.slots
        return share

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """A registry that cannot be kept any more leaves all as it is."""
        try:
            yield
        except OutputError as error:
            self._note(f"{UNKNOWN}: {error}")

    def _tell(self, slots: int, others: Sequence[Entry]) -> None:
        """Once for each change."""
        names = tuple(map(str, others))
        if (slots, names) == self._told or not (names or self.met):
            return
        self._told = (slots, names)
        self.met |= dict.fromkeys(names)
        who = "; ".join(names)
        if not names:
            self._note(f"no other run works with this application now: {slots} requests at a time for each mailbox")
        elif not slots:
            self._note(f"waiting, because this application is at work: {who}")
        else:
            self._note(f"{slots} of 4 requests at a time for each mailbox, because this application is at work: {who}")


def _entry(task: str, folder: Path) -> Entry:
    return Entry(task, str(folder.resolve()), os.getpid(), datetime.now(UTC).timestamp(), wants=0)


@asynccontextmanager
async def sharing(
    prepared: Prepared, folder: Path, stack: Stack, stop: Stop, note: Note
) -> AsyncIterator[Sharing | None]:
    """Enters the run in `folder`, waits until it may begin or is to stop, and looks at the others until the block ends.
    None where the registry cannot be kept: that is told, and nothing is shared."""
    manifest, limits = prepared.manifest, prepared.job.limits
    try:
        place = registry(manifest.app, prepared.job.state.registry)
        lease = await asyncio.to_thread(Lease.join, place, _entry(manifest.task, folder))
    except (OutputError, RuntimeError) as error:  # the latter for an account without a home
        note(f"{UNKNOWN}: {error}")
        yield None
        return
    found = Sharing(lease, stack, note, wants=limits.mailbox_concurrency, waits=limits.wait)
    try:
        await stop.before(found.begin())
        looking = asyncio.create_task(found.go_on())
        try:
            yield found
        finally:
            await give_up(looking)
    finally:
        lease.leave()  # two small files: not worth a thread that could be waited for in vain
