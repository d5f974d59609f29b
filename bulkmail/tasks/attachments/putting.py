"""Puts a saved file back into a message: in one request while it is small, else in ranges to a pre-signed address.

learn.microsoft.com/graph/outlook-large-attachments. After a lost answer the attachment is looked for, once the
service has settled where it was that of the last range, and put there again only if it is missing.
"""

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Self

from bulkmail.errors import GraphError, TransportError
from bulkmail.graph import Graph
from bulkmail.model import Change, Effect
from bulkmail.tasks.attachments.listing import PATH, Attachment, attachments_of
from bulkmail.tasks.attachments.options import Saved
from bulkmail.tasks.attachments.shelf import piece
from bulkmail.tasks.messages.walk import IMMUTABLE

SMALL = 3 * 1024 * 1024
"""Bytes from which on the service wants ranges."""

RANGE = 12 * 320 * 1024
"""Bytes of one range: at most 4 MB, and a multiple of 320 KB."""

TRIES = 3


class Lost(NamedTuple):
    """An attachment that was taken away. `alike` others stayed that look like it."""

    saved: Saved
    attachment: Attachment
    alike: int

    @classmethod
    def of(cls, change: Change) -> Self:
        """Of the change that the run noted."""
        told = change.before
        return cls(Saved(**told["saved"]), Attachment(**told["attachment"]), told["alike"])

    def found(self, there: Iterable[Attachment]) -> Attachment | None:
        """It, where it was never taken away or is there again."""
        same = [one for one in there if one.look == self.attachment.look]
        own = next((one for one in same if one.id == self.attachment.id), None)
        return own or (same[-1] if len(same) > self.alike else None)

    @property
    def told(self) -> dict[str, Any]:
        """Name, type and content id, as a request says them."""
        one = self.attachment
        texts = {"name": one.name, "contentType": one.content_type, "contentId": one.content_id}
        return {name: text for name, text in texts.items() if text} | {"isInline": one.is_inline}


async def put_back(graph: Graph, folder: Path, lost: Lost, change: Change) -> None:
    """Raises GraphError and TransportError."""
    if lost.saved.bytes < SMALL:
        await _create(graph, folder, lost, change)
        return
    for left in reversed(range(TRIES)):
        try:
            await _upload(graph, folder, lost, change)
        except (GraphError, TransportError):
            if await _look(graph, lost) is None:
                if not left:
                    raise
                change = change._replace(further=True)
                continue
        return


async def _create(graph: Graph, folder: Path, lost: Lost, change: Change) -> None:
    content = await graph.thread(piece, folder, lost.saved, 0, SMALL)
    body = {"@odata.type": "#microsoft.graph.fileAttachment", **lost.told, "contentBytes": b64encode(content).decode()}
    await graph.create(
        PATH, body, lost.saved.message, change=change, find=lambda: _look(graph, lost), headers=IMMUTABLE
    )


async def _look(graph: Graph, lost: Lost) -> Any:
    found = lost.found(await attachments_of(graph, lost.saved.message))
    return None if found is None else {"id": found.id}


async def _upload(graph: Graph, folder: Path, lost: Lost, change: Change) -> None:
    saved, further = lost.saved, change._replace(further=True)
    item = {"attachmentType": "file", "size": saved.bytes, **lost.told}
    session = await graph.post(
        PATH + "/createUploadSession", {"AttachmentItem": item}, saved.message,
        effect=Effect.IDEMPOTENT, change=change, headers=IMMUTABLE,
    )  # fmt: skip
    address = session.get("uploadUrl") if isinstance(session, dict) else None
    for start in range(0, saved.bytes, RANGE):
        content = await graph.thread(piece, folder, saved, start, RANGE)
        end = start + len(content)
        headers = {"Content-Range": f"bytes {start}-{end - 1}/{saved.bytes}"}
        effect = Effect.IDEMPOTENT if end < saved.bytes else Effect.KEYED  # the last range makes the attachment
        await graph.direct.send("PUT", address, content, effect=effect, change=further, headers=headers)
