"""Where results go: formats, which make bytes of rows, and the file that they are appended to. Knows no run."""

from bulkmail.sink.appender import Appender
from bulkmail.sink.format import Csv, Format, Ndjson, OfPart, json_line
from bulkmail.sink.formula import escape, unescape

__all__ = ["Appender", "Csv", "Format", "Ndjson", "OfPart", "escape", "json_line", "unescape"]
