"""The options of items.export, and which items they choose. Sends nothing."""

from typing import Literal

from pydantic import Field, PrivateAttr, model_validator

from bulkmail.graph.room import Room
from bulkmail.task.declare import Options
from bulkmail.tasks.items.folders import Folder
from bulkmail.tasks.items.item import Item

LARGEST = 1 << 40
"""Bytes: no item is as large."""

_DAY = r"^(\d{4}-\d\d-\d\d)?$"


class Chosen(Options):
    """Options of a task that goes through the folders of a mailbox."""

    folders: tuple[str, ...] = Field(
        (), description="only these folders and what is below them: paths such as Inbox/Scans, or well-known names"
    )
    folder_types: tuple[str, ...] = Field((), description="only folders of these types, such as IPF.Appointment")
    recoverable: bool = Field(
        default=False, description="also what was deleted and can still be recovered: Deletions, Versions and Purges"
    )
    types: tuple[str, ...] = Field(
        (), description="only items of these types and those made of them: IPM.Note means IPM.Note.SMIME as well"
    )
    created_from: str = Field("", pattern=_DAY, description="only items that were made on this day (UTC) or later")
    created_before: str = Field("", pattern=_DAY, description="only items that were made before this day (UTC)")
    modified_from: str = Field("", pattern=_DAY, description="only items that were changed on this day or later")
    modified_before: str = Field("", pattern=_DAY, description="only items that were last changed before this day")
    smallest: int = Field(0, ge=0, description="only items of so many bytes or more, as the service counts them")
    largest: int = Field(LARGEST, ge=1, description="only items of so many bytes or fewer")

    @model_validator(mode="after")
    def _in_order(self) -> "Chosen":
        if self.smallest > self.largest:
            raise ValueError("smallest is more than largest")
        return self

    def takes_folder(self, folder: Folder) -> bool:
        wanted = not self.folders or any(folder.is_below(name) for name in self.folders)
        return wanted and (not self.folder_types or _is_a(folder.type, self.folder_types))

    def takes(self, item: Item) -> bool:
        """Days are compared as the service writes them, in UTC."""
        return (
            self.smallest <= item.size <= self.largest
            and (not self.types or _is_a(item.type, self.types))
            and self.created_from <= item.created
            and (not self.created_before or item.created < self.created_before)
            and self.modified_from <= item.modified
            and (not self.modified_before or item.modified < self.modified_before)
        )


class ItemsExportOptions(Chosen):
    """Options of items.export."""

    layout: Literal["tar", "files"] = Field("tar", description="one archive for each mailbox, or a file for each item")
    since: Literal["all", "last"] = Field(
        "all", description="all: every item; last: what is new, changed or removed since the last run of this job, "
        "which needs [state] path"
    )  # fmt: skip

    _room: Room = PrivateAttr(default_factory=Room)

    @property
    def room(self) -> Room:
        """In memory, for all mailboxes of the run."""
        return self._room

    def needs_state(self) -> str:
        return "since" if self.since == "last" else ""


def _is_a(kind: str, wanted: tuple[str, ...]) -> bool:
    """Types are names with dots: what is made of a type begins with it."""
    found = kind.casefold()
    return any(found == one or found.startswith(f"{one}.") for one in map(str.casefold, wanted))
