"""Leaves a sign of life beside a run, so that whoever resumes it knows when the last of its requests can have left.

Only a clock that nobody can set is trusted, and only within one boot of the machine: where that cannot tell, nothing
is known, and whatever must be waited for is waited for in full.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import orjson

BEAT = 1.0
"""Seconds between two signs: what a resumed run waits longer than it might."""

Moment: TypeAlias = Mapping[str, Any]
"""`boot` names the boot of the machine, `up` is the seconds since then. Empty where there is no such clock."""

_BOOT = Path("/proc/sys/kernel/random/boot_id")  # only Linux has it


def moment(boot_id: Path = _BOOT) -> Moment:
    """Now."""
    try:
        boot = boot_id.read_text(encoding="ascii").strip()
    except OSError:
        return {}
    return {"boot": boot, "up": round(time.clock_gettime(time.CLOCK_BOOTTIME), 3)}


def elapsed(since: Moment, now: Moment) -> float:
    """Seconds since then, those asleep included; 0.0 where nobody can tell."""
    told = since.get("up")
    if not now or since.get("boot") != now["boot"] or not isinstance(told, int | float):
        return 0.0
    return max(0.0, float(now["up"]) - told)


def last_sign(path: Path) -> Moment:
    """When the process that wrote `path` was last alive, and up to BEAT seconds longer."""
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@asynccontextmanager
async def beating(path: Path) -> AsyncIterator[None]:
    """Gives signs of life until the block ends. That one cannot be given is no matter: the next only waits longer."""
    await asyncio.to_thread(_beat, path)
    beat = asyncio.create_task(_beat_on(path))
    try:
        yield
    finally:
        beat.cancel()
        await asyncio.wait([beat])


async def _beat_on(path: Path) -> None:
    while True:
        await asyncio.sleep(BEAT)
        await asyncio.to_thread(_beat, path)


def _beat(path: Path) -> None:
    with suppress(OSError):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            os.write(file, orjson.dumps(moment()).ljust(80))  # over the last one, in one piece
        finally:
            os.close(file)
