"""A heartbeat beside a run tells a later process when the last request of this one can have left.

Only a clock that nothing can set is trusted, and only within one boot of the machine. Where that clock cannot tell,
nothing is known, and what must be waited for is waited for in full.

Workers of a run may send for the time of a lease after its process has died. Its heartbeats are that much ahead.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import orjson

from bulkmail.sink.uncancelled import give_up

INTERVAL = 1.0
"""Seconds between two heartbeats: a resumed run waits up to this much longer than it would have to."""

WIDTH = 100
"""Bytes of a heartbeat in a file, at the least: it covers the one before it."""

_BOOT = Path("/proc/sys/kernel/random/boot_id")  # only Linux has it


class Heartbeat(NamedTuple):
    """A moment. `boot` names the boot of the machine, `up` is the seconds since then; without a boot it is unknown."""

    boot: str = ""
    up: float = 0.0


def current(boot_id: Path = _BOOT) -> Heartbeat:
    """Now; unknown on a machine that does not tell its boots apart."""
    try:
        boot = boot_id.read_text(encoding="ascii").strip()
    except OSError:
        return Heartbeat()
    return (
        Heartbeat(boot, round(time.clock_gettime(time.CLOCK_BOOTTIME), 3)) if sys.platform == "linux" else Heartbeat()
    )


def elapsed(since: Heartbeat, now: Heartbeat) -> float:
    """Seconds from `since` to `now`, those that the machine slept included; 0.0 where that is not known."""
    return max(0.0, now.up - since.up) if now.boot and since.boot == now.boot else 0.0


def last(path: Path) -> Heartbeat:
    """The last heartbeat that was written to `path`; its process may have lived up to INTERVAL seconds longer."""
    try:
        return decode(orjson.loads(path.read_bytes()))
    except (OSError, ValueError):
        return Heartbeat()


def encode(beat: Heartbeat) -> dict[str, object]:
    """As it stands in a file."""
    return beat._asdict() if beat.boot else {}


def decode(found: object) -> Heartbeat:
    """What `encode` gave; unknown for anything else, since a file may be torn."""
    match found:
        case {"boot": str(boot), "up": int() | float() as up} if not isinstance(up, bool):
            return Heartbeat(boot, float(up))
        case _:
            return Heartbeat()


def outlived(path: Path, now: Heartbeat) -> float:
    """Seconds, at the moment `now`, in which workers of the process that wrote `path` may still send. Blocks."""
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return 0.0
    match found:
        case {"lease": int() | float() as lease} if lease > 0:
            beat = decode(found)
            known = bool(now.boot) and beat.boot == now.boot
            return min(lease + INTERVAL, max(0.0, beat.up + INTERVAL - now.up)) if known else lease + INTERVAL
    return 0.0


@asynccontextmanager
async def beating(path: Path, lease: float = 0.0) -> AsyncIterator[None]:
    """Writes heartbeats to `path` until the block ends. One that cannot be written only makes a resumed run wait
    longer. With a `lease` there are workers, which have all ended where the block ends well."""
    await asyncio.to_thread(_beat, path, lease)
    beat = asyncio.create_task(_beat_on(path, lease))
    try:
        yield
    finally:
        await give_up(beat)
    if lease:
        await asyncio.to_thread(_beat, path)


async def _beat_on(path: Path, lease: float) -> None:
    while True:
        await asyncio.sleep(INTERVAL)
        await asyncio.to_thread(_beat, path, lease)


def _beat(path: Path, lease: float = 0.0) -> None:
    now = current()
    beat = encode(now._replace(up=now.up + lease)) | ({"lease": lease} if lease else {})
    with suppress(OSError):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            os.write(file, orjson.dumps(beat).ljust(WIDTH))  # over the last one, in a single write
        finally:
            os.close(file)
