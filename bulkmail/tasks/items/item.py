"""An item as a folder lists it, and what a row of an export says of it. Sends nothing.

learn.microsoft.com/graph/api/resources/mailboxitem
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bulkmail.model import Row
from bulkmail.tasks.items.folders import Folder
from bulkmail.tasks.kit import expect

COLUMNS: Mapping[str, str] = {
    "mailbox": "address as the input gives it",
    "folder": "path of the folder, from the root",
    "item_id": "id of the item",
    "change_key": "its version, as it was exported",
    "type": "its type, such as IPM.Note",
    "size": "bytes, as the service counts them",
    "created": "when it was made",
    "modified": "when it was last changed",
    "change": "new, changed or removed since the last run; empty where all are exported",
    "file": "file in the run directory",
    "offset": "where the stream begins in it",
    "bytes": "how long the stream is",
    "sha256": "digest of the stream",
    "state": "exported; failed: see error; gone: deleted between the list and the export; removed: since the last run",
    "error": "why it was not exported, as the service says it",
    "folder_type": "type of the folder, such as IPF.Appointment",
    "well_known": "path of the folder from a well-known one on, such as inbox/Scans; empty where it is below none",
    "at": "when it was exported (UTC)",
    "request_id": "what the service calls the request that exported it",
}
"""The columns of items.export; what reads an export relies on them."""


class Item(NamedTuple):
    """An item that may be exported. `removed`: it was, since the last run."""

    folder: Folder
    id: str
    change_key: str = ""
    type: str = ""
    size: int = 0
    created: str = ""
    modified: str = ""
    removed: bool = False

    @classmethod
    def of(cls, body: Any, folder: Folder) -> "Item":
        """Raises GraphError for what is not an item."""
        found = expect.an_item(body, "a mailbox item")
        return cls(
            folder,
            found["id"],
            expect.text(found, "changeKey"),
            expect.text(found, "type"),
            max(0, expect.number(found, "size")),
            expect.text(found, "createdDateTime"),
            expect.text(found, "lastModifiedDateTime"),
            "@removed" in found,
        )

    def row(self, state: str, **more: Any) -> Row:
        """Its row; `more` are the other columns."""
        return {
            **dict.fromkeys(name for name in COLUMNS if name != "mailbox"),
            "folder": self.folder.path, "folder_type": self.folder.type, "well_known": self.folder.known,
            "item_id": self.id, "change_key": self.change_key, "type": self.type, "size": self.size,
            "created": self.created, "modified": self.modified, "state": state, **more,
        }  # fmt: skip
