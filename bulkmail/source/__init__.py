"""Where mailboxes come from: files and streams. Yields them in chunks; knows no Graph, no task and no outcome."""

from bulkmail.source.admission import Admission, Seen
from bulkmail.source.content import Digest, Kind
from bulkmail.source.file import FileSource

__all__ = ["Admission", "Digest", "FileSource", "Kind", "Seen"]
