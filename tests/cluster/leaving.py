"""A task that leaves blobs in an archive, some between two checkpoints."""

from collections.abc import AsyncIterator

from bulkmail.graph import Graph
from bulkmail.model import Checkpoint, Mailbox, Row
from bulkmail.task.declare import Options, task

BLOBS = 5
COLUMNS = {"mailbox": "", "number": "", "path": "", "offset": "", "bytes": "", "sha256": ""}


@task("tests.leaving", summary="Leaves blobs", permission="MailboxSettings.Read", columns=COLUMNS, leaves=True)
async def leaving(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    del options
    await graph.get("/mailboxSettings")
    for number in range(graph.checkpoint.get("done", 0), BLOBS):
        async with graph.blob("archive.txt") as file:
            await file.write(f"{number} of {mailbox.address}\n".encode())
        yield {"number": number, **file.blob._asdict()}
        if number % 2:
            yield Checkpoint(done=number + 1)
