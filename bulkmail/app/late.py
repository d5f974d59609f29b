"""What of an earlier process may come late: requests of workers that outlive it, and writes that were under way."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from bulkmail.app.observe import Note
from bulkmail.errors import BulkmailError
from bulkmail.rundir import heartbeat
from bulkmail.rundir.folder import ALIVE, existing
from bulkmail.rundir.heartbeat import Heartbeat
from bulkmail.rundir.manifest import Manifest
from bulkmail.rundir.reader import RunDir

log = logging.getLogger(__name__)


async def outlived(folder: Path, note: Note) -> None:
    """Returns when no worker of the process before can send, or write into `folder`, any more."""
    if seconds := await asyncio.to_thread(heartbeat.outlived, folder / ALIVE, heartbeat.current()):
        note(f"waiting for {seconds:.0f} s: workers of the process before this one may send until then")
        await asyncio.sleep(seconds)


def under_way_before(manifest: Manifest) -> Mapping[int, Heartbeat]:
    """Rows in which the run that this one repeats, takes back or carries out had a write under way, each with the last
    heartbeat of that run; by way of a plan, too. A run that cannot be read any more is passed over. Blocks."""
    seen = set[str]()  # a directory is data: it may name itself
    try:
        while manifest.parent and manifest.parent not in seen:
            seen.add(manifest.parent)
            run = RunDir(existing(Path(manifest.parent)))
            manifest = run.manifest
            if manifest.mode == "apply":
                return run.unfinished().under_way
    except BulkmailError as error:
        log.warning("the run before this one cannot be read, so its late writes are not waited for: %s", error)
    return {}
