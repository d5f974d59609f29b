"""An export of the first mailbox of a tenant that no run has made: its task's rows and files, and a manifest."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import orjson

from bulkmail.model import Checkpoint, Digest, Row
from bulkmail.rundir.manifest import JobFile, Manifest, PinnedApp, PinnedInput, PinnedOutput
from bulkmail.tasks.items.export import items_export
from bulkmail.tasks.items.options import ItemsExportOptions
from bulkmail.testing.store import MemoryStore
from tests.sim.desk import Desk
from tests.tasks.items.truth import graph_of


async def export(desk: Desk, folder: Path) -> Path:
    """Its run directory."""
    store = MemoryStore()
    async with graph_of(desk, store) as (mailbox, graph):
        running = items_export.run(mailbox, graph, ItemsExportOptions())
        rows = [{"mailbox": mailbox.address, **row} async for row in running if not isinstance(row, Checkpoint)]
    out = folder / "export"
    blobs = out / "blobs" / "2-ada@contoso.com"
    blobs.mkdir(parents=True)
    for name, content in store.files.items():
        (blobs / name).write_bytes(content)
    return written(out, rows)


def written(out: Path, rows: Sequence[Row]) -> Path:
    """A run directory with these rows."""
    out.mkdir(parents=True, exist_ok=True)
    records = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    (out / "records.ndjson").write_bytes(records)
    manifest = Manifest(
        "items.export", "", {}, "read", PinnedInput(), PinnedApp(), PinnedOutput(), {}, JobFile(), "1",
        "2026-01-01T00:00:00+00:00",
        state="finished", outputs={"records.ndjson": Digest(len(records), sha256(records).hexdigest())}, id="0" * 32,
    )  # fmt: skip
    manifest.write(out)
    return out
