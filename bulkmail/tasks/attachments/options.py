"""What a job may say of attachments: which to save, and which of those that were saved to take away. Sends nothing."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field, model_validator

from bulkmail.errors import InputError
from bulkmail.model import Mailbox
from bulkmail.source.columns import fold
from bulkmail.task.declare import Options
from bulkmail.tasks.attachments.listing import Attachment
from bulkmail.tasks.kit.files import TableFile
from bulkmail.tasks.messages.selection import Selection

OF_ATTACHMENTS = ("attachment_name", "attachment_type", "attachment_min_size", "attachment_max_size")
LARGEST = 150 * 1024 * 1024
"""Bytes of an attachment that Exchange Online takes: learn.microsoft.com/graph/outlook-large-attachments."""


class AttachmentsSaveOptions(Selection):
    """Of which messages, and which of their attachments: attachment_name, attachment_type, attachment_min_size and
    attachment_max_size say of each attachment whether it is saved."""

    inline: bool = Field(
        default=False, description="pictures in the text as well; all messages are looked at then, not only those that "
        "say that they have attachments",
    )  # fmt: skip
    kinds: tuple[Literal["file", "item", "reference"], ...] = Field(
        ("file", "item", "reference"),
        description="file; item: an attached message, event or contact; reference: a link to a file in the cloud, "
        "which has a row and no content",
    )

    since: Literal["last"] | None = Field(
        None, description="last: only what was not saved in an earlier run of this job, out of the messages that have "
        "changed since the last one; needs [state] path",
    )  # fmt: skip

    def needs_state(self) -> str:
        return "since" if self.since else ""

    @property
    def of_messages(self) -> Selection:
        """The same of the messages alone: attachments are judged here, one by one."""
        asked = {} if self.inline else {"has_attachments": True}
        return self.model_copy(update={**dict.fromkeys(OF_ATTACHMENTS), **asked})

    @property
    def in_order(self) -> bool:
        """Whether the messages come in the order of their times, so that a run can go on behind one of them."""
        return self.folders is None and not self.recoverable and self.since is None

    def picks(self, one: Attachment) -> bool:
        """Whether an attachment of such a message is meant."""
        shown = {"name": one.name, "contentType": one.content_type, "size": one.size}
        return one.kind in self.kinds and (self.inline or not one.is_inline) and self.holds_of(shown)


class Saved(NamedTuple):
    """A row of attachments.save: where the content of an attachment lies. `path` is relative to the run directory."""

    message: str
    attachment: str
    size: int
    path: str
    offset: int
    bytes: int
    sha256: str


class AttachmentsStripOptions(Options):
    """Which attachments: those whose rows are in a list."""

    saved: TableFile = Field(
        description="records.ndjson or records.csv of a run of attachments.save, where it lies: the rows that are left "
        "in it. Only what lies whole beside it is taken away"
    )

    @model_validator(mode="after")
    def _read(self) -> "AttachmentsStripOptions":
        if self.saved.known:
            _ = self.rows
        return self

    @property
    def folder(self) -> Path:
        """The run directory."""
        return self.saved.path.absolute().parent

    @cached_property
    def rows(self) -> Mapping[str, Sequence[Saved]]:
        """What was saved, by the folded address of its mailbox. Raises InputError."""
        found: dict[str, dict[tuple[str, str], Saved]] = {}
        for number, row in self.saved.rows:
            cells = {fold(name): row[name] for name in row}
            try:
                one = _saved(cells)
            except (KeyError, ValueError):
                raise InputError(
                    f"{self.saved.path}: row {number} is not one of attachments.save",
                    hint="Use records.ndjson or records.csv of a run of attachments.save, without some of its rows.",
                ) from None
            if one is not None:
                found.setdefault(cells["mailbox"].strip().casefold(), {})[one.message, one.attachment] = one
        return {mailbox: tuple(ones.values()) for mailbox, ones in found.items()}

    def of(self, mailbox: Mailbox) -> Sequence[Saved]:
        return self.rows.get(mailbox.address.casefold(), ())


def _saved(cells: Mapping[str, str]) -> Saved | None:
    """A row; None for one of an attachment without content. Raises KeyError and ValueError."""
    if not cells["sha256"].strip() and not cells["path"].strip() and cells["messageid"]:
        return None
    path = cells["path"].strip()
    if not path or Path(path).is_absolute() or ".." in Path(path).parts:
        raise ValueError("not a path below the run directory")
    numbers = (int(cells[name]) for name in ("size", "offset", "bytes"))
    size, offset, length = numbers
    ids = cells["messageid"].strip(), cells["attachmentid"].strip()
    if not all(ids) or min(offset, length) < 0:
        raise ValueError("not a row of an attachment")
    return Saved(*ids, size, path, offset, length, cells["sha256"].strip())
