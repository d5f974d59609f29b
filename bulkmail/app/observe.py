"""Shows a run to its observers while it goes: one snapshot at the start, one a second, and one at the end.

An observer only looks. One that raises is logged and not called again; the run and the other observers go on.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

from bulkmail.run.snapshot import Snapshot
from bulkmail.sink.uncancelled import give_up

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two snapshots."""

Observer: TypeAlias = Callable[[Snapshot], None]
"""Called on the event loop: it must return at once."""

Note: TypeAlias = Callable[[str], None]
"""Tells the user a sentence that is not a result."""


@asynccontextmanager
async def observed(look: Callable[[], Snapshot], observers: Sequence[Observer]) -> AsyncIterator[None]:
    """Shows what `look` gives to each observer until the block ends."""
    if not observers:
        yield
        return
    still = list(observers)

    async def watch() -> None:
        while True:
            _show(look(), still)
            await asyncio.sleep(EVERY)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        try:
            await give_up(watching)
        finally:
            _show(look(), still)


def _show(snapshot: Snapshot, observers: list[Observer]) -> None:
    for observer in tuple(observers):
        try:
            observer(snapshot)
        except Exception:
            log.exception("an observer of the run failed, and is shown nothing more")
            observers.remove(observer)
