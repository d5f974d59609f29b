"""The attachments of one message: lists them without their content, and takes them away. Decides nothing.

learn.microsoft.com/graph/api/message-list-attachments. Properties of files alone are selected behind a cast: on the
base type the service does not know them.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple, Self

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change
from bulkmail.tasks.kit import expect
from bulkmail.tasks.messages.scope import is_absent
from bulkmail.tasks.messages.walk import IMMUTABLE, MESSAGE

FILE, ITEM, REFERENCE = "file", "item", "reference"
KINDS: Mapping[str, str] = {f"#microsoft.graph.{kind}Attachment": kind for kind in (FILE, ITEM, REFERENCE)}
PATH = MESSAGE + "/attachments"
PAGE = 500
SELECT = "id,name,contentType,size,isInline,microsoft.graph.fileAttachment/contentId"
SUFFIXES: Mapping[str, str] = {ITEM: ".eml"}
"""The ending of a file that an Outlook item is saved as: MIME."""


class Attachment(NamedTuple):
    """One attachment. `size` is what the service says, some bytes more than its content has. A `reference` is a link to
    a file in the cloud, and has no content."""

    id: str
    name: str
    kind: str
    content_type: str
    content_id: str
    is_inline: bool
    size: int

    @classmethod
    def of(cls, body: Any) -> Self:
        item = expect.an_item(body, "an attachment")
        name, kind, content_type, content_id = (
            expect.text(item, member) for member in ("name", "@odata.type", "contentType", "contentId")
        )
        inline, size = item.get("isInline") is True, expect.number(item, "size")
        return cls(item["id"], name, KINDS.get(kind, FILE), content_type, content_id, inline, size)

    @property
    def look(self) -> tuple[str, str, str, bool]:
        """What it has in common with one that is put back in its place. Its size may differ by some bytes."""
        return self.name, self.kind, self.content_id, self.is_inline

    @property
    def restorable(self) -> bool:
        """Whether it could be put back as it was: a file with a type, under a name that the service takes as it is."""
        return self.kind == FILE and bool(self.content_type) and bool(self.name) and self.name.isprintable()

    def key(self, message: str) -> str:
        """What it is known by, alike in every run."""
        return sha256(f"{message}\0{self.id}".encode()).hexdigest()[:16]

    def file_name(self, message: str) -> str:
        """The name of its file, and of no other attachment's; it is made safe where it is used."""
        return f"{self.key(message)}-{self.name or self.kind}{SUFFIXES.get(self.kind, '')}"


async def attachments_of(graph: Graph, message: str) -> list[Attachment]:
    """All attachments of a message, those in its text among them; none of a message that is gone."""
    rows = graph.items(PATH, message, params={"$select": SELECT, "$top": PAGE}, headers=IMMUTABLE)
    try:
        return [Attachment.of(row) async for row in rows]
    except GraphError as error:
        if is_absent(error):
            return []
        raise


async def delete(graph: Graph, message: str, attachment: str, change: Change) -> None:
    """Takes an attachment away, which may be gone already."""
    try:
        await graph.delete(PATH + "/{}", message, attachment, change=change, headers=IMMUTABLE)
    except GraphError as error:
        if not is_absent(error):
            raise


def alike(there: Iterable[Attachment], one: Attachment) -> int:
    """How many others look like this one."""
    return sum(other.look == one.look and other.id != one.id for other in there)
