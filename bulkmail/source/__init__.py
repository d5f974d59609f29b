"""Where mailboxes come from: files and streams. Yields them in chunks; knows no Graph, no task and no outcome."""

from bulkmail.source.admission import Admission
from bulkmail.source.content import Kind
from bulkmail.source.file import FileSource
from bulkmail.source.seen import Seen

__all__ = ["Admission", "FileSource", "Kind", "Seen"]
