"""What a job says of the messages that it means: options that are named after what they ask. Sends nothing.

class Mine(Selection): ...

async for message in matching(graph, options): ...
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from bulkmail.task.declare import Options
from bulkmail.tasks.messages.criteria import (
    AT_LEAST,
    AT_MOST,
    CRITERIA,
    EXPAND_SIZE,
    RECEIVED,
    Criterion,
    moment,
)

EARLIEST = "1900-01-01"
"""Where no time is asked for, the filter begins with this one, so that the pages can be ordered by time."""

LISTED = ("id", "parentFolderId", "subject", "from", RECEIVED, "isRead", "hasAttachments", "internetMessageId")
"""Properties that every row has."""

LARGEST = (1 << 31) - 1


def _texts(value: Any) -> Any:
    """One text, or a list of them. An empty list would ask for nothing, where it should mean nothing."""
    if value is None:
        return None
    given = [value] if isinstance(value, str) else value
    if (
        not isinstance(given, list | tuple)
        or not given
        or not all(isinstance(one, str) and one.strip() for one in given)
    ):
        raise ValueError("should be a text, or a list of texts")
    return tuple(dict.fromkeys(given))


def _when(value: Any) -> Any:
    """A day or a moment, as TOML has it or as a text; in UTC, unless it says otherwise."""
    if isinstance(value, date | datetime):
        value = value.isoformat()
    if value is None or value == "":
        return ""
    try:
        datetime.fromisoformat(value)
        _ = moment(value) + timedelta(days=1)  # a day has an end
        if len(value) == len(EARLIEST):
            return date.fromisoformat(value).isoformat()
        return moment(value).astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (TypeError, ValueError, OverflowError):
        raise ValueError("should be a time such as 2026-01-31 or 2026-01-31T08:00:00Z") from None


def _folders(value: Any) -> Any:
    """Folders, of which `all` means that none is left out."""
    given = _texts(value)
    return None if given is not None and [one.strip().casefold() for one in given] == ["all"] else given


Texts: TypeAlias = Annotated[tuple[str, ...] | None, BeforeValidator(_texts)]
Folders: TypeAlias = Annotated[tuple[str, ...] | None, BeforeValidator(_folders)]
When: TypeAlias = Annotated[str, BeforeValidator(_when)]
Size: TypeAlias = Annotated[int, Field(ge=0, le=LARGEST)]


Criteria: TypeAlias = Sequence[tuple[Criterion, Sequence[Any]]]


def holds(criteria: Criteria, message: Mapping[str, Any]) -> bool:
    """Whether a message is meant, as far as it says itself."""
    return all(criterion.holds(message, wanted) for criterion, wanted in criteria)


class Selection(Options):
    """Which messages. All that is given has to hold; of a list, one."""

    sender: Texts = Field(None, description="address in From, or @domain for every address of one; or a list")
    recipient: Texts = Field(None, description="address in To, Cc or Bcc, or @domain; or a list")
    subject: Texts = Field(None, description="the whole subject, in any case; or a list")
    subject_starts: Texts = Field(None, description="what the subject begins with, in any case; or a list")
    subject_contains: Texts = Field(None, description="what stands in the subject, in any case; or a list")
    internet_message_id: Texts = Field(None, description="Message-ID with its angle brackets; or a list")
    received_from: When = Field("", description="received then or later: 2026-01-31, or 2026-01-31T08:00:00Z; in UTC")
    received_to: When = Field("", description="received then or earlier; a day means the whole of it")
    sent_from: When = Field("", description="sent then or later")
    sent_to: When = Field("", description="sent then or earlier")
    has_attachments: bool | None = Field(
        None, description="with attachments or without; images in the text do not count"
    )
    attachment_name: Texts = Field(None, description="what the name of an attachment contains, in any case; or a list")
    attachment_type: Texts = Field(
        None, description="content type of an attachment, or its beginning: image/; or a list"
    )
    attachment_min_size: Size | None = Field(None, description="bytes that an attachment has at least")
    attachment_max_size: Size | None = Field(None, description="bytes that an attachment has at most")
    is_read: bool | None = Field(None, description="read, or unread")
    importance: Literal["low", "normal", "high"] | None = Field(None, description="low, normal or high")
    category: Texts = Field(None, description="a category that it has, in any case; or a list")
    min_size: Size | None = Field(None, description="bytes that it has at least")
    max_size: Size | None = Field(None, description="bytes that it has at most")
    folders: Folders = Field(None, description="folders, by path or well-known name: inbox, Inbox/Projects; or all")
    subfolders: bool = Field(default=False, description="with the folders below those that are named")
    recoverable: bool = Field(default=False, description="the recoverable items (what was deleted for good) as well")

    @model_validator(mode="after")
    def _in_order(self) -> "Selection":
        for name in ("received", "sent"):
            first, last = (getattr(self, f"{name}_{end}") for end in ("from", "to"))
            if first and last and moment(first).date() > moment(last).date():
                raise ValueError(f"{name}_from is later than {name}_to")
        return self

    @property
    def criteria(self) -> Criteria:
        """What is asked of a message itself, each with the values of which one has to hold."""
        given = ((one, getattr(self, one.option)) for one in CRITERIA)
        return [
            (one, value if isinstance(value, tuple) else (value,)) for one, value in given if value not in (None, "")
        ]

    @property
    def of_attachments(self) -> bool:
        """Whether the attachments have to be looked at."""
        asked = (self.attachment_name, self.attachment_type, self.attachment_min_size, self.attachment_max_size)
        return any(value is not None for value in asked)

    @property
    def bounded(self) -> bool:
        """Whether it means anything less than all messages."""
        return bool(self.criteria or self.of_attachments or self.folders)

    @property
    def sized(self) -> bool:
        """Whether the size of a message is wanted, which takes the right to read all of it."""
        return self.min_size is not None or self.max_size is not None

    def holds_of(self, attachment: Mapping[str, Any]) -> bool:
        """Whether an attachment is as it is asked for."""
        name, kind, size = (attachment.get(one) for one in ("name", "contentType", "size"))
        return (
            _any(self.attachment_name, name, lambda text, part: part in text)
            and _any(self.attachment_type, kind, str.startswith)
            and (self.attachment_min_size is None or AT_LEAST.holds(size, self.attachment_min_size))
            and (self.attachment_max_size is None or AT_MOST.holds(size, self.attachment_max_size))
        )

    def filters(self) -> list[str]:
        """`$filter`s that let through at least what is meant, the narrowest first; the last one is by time alone."""
        clauses = list(self._clauses())
        times = [text for text in clauses if text.startswith(RECEIVED)]
        return list(dict.fromkeys((" and ".join(clauses), " and ".join(times))))

    def _clauses(self) -> Iterator[str]:
        if not self.received_from:
            yield f"{RECEIVED} ge {EARLIEST}T00:00:00Z"
        for criterion, wanted in self.criteria:
            if clause := criterion.clause(wanted):
                yield clause
        if self.of_attachments and self.has_attachments is None:
            yield "hasAttachments eq true"

    def params(self, more: Sequence[str] = ()) -> dict[str, str | int]:
        """What is asked of each message: the properties of a row, those that are judged, and `more`."""
        read = (name for criterion, _ in self.criteria for name in criterion.reads)
        names = dict.fromkeys((*LISTED, *read, *more))
        expand = {"$expand": EXPAND_SIZE} if self.sized else {}
        return {"$select": ",".join(names), **expand}


def _any(wanted: Sequence[str] | None, found: Any, holds: Callable[[str, str], bool]) -> bool:
    """Whether one of these texts is wanted, or none is asked for."""
    return not wanted or (isinstance(found, str) and any(holds(found.lower(), one.lower()) for one in wanted))
