"""`rejected.csv`: the rows of the input that became no mailbox, with the reason, so that nothing of it is lost.

The file is made when the first such row comes, and anew by a run that is resumed: it reads all of its input again.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from bulkmail.model import Rejected
from bulkmail.sink import Appender, Csv
from bulkmail.sink.appender import os_errors_as_output_error

COLUMNS = ("row", "reason", "why", "value")


class RejectedRows:
    """Appends rows, from a thread. `hide` keeps addresses out of what they say. Raises OutputError."""

    def __init__(
        self, path: Path, *, bom: bool = False, delimiter: str = ",", hide: Callable[[str], str] = str
    ) -> None:  # fmt: skip
        self._path = path
        self._hide = hide
        self._format = Csv(COLUMNS, bom=bom, delimiter=delimiter)
        self._file: Appender | None = None

    def append(self, rows: Sequence[Rejected], /) -> None:
        if self._file is None:
            with os_errors_as_output_error(self._path):
                self._path.unlink(missing_ok=True)
            self._file = Appender(self._path)
            self._file.append(self._format.header)
        told = ((row.row, row.reason, self._hide(row.why), self._hide(row.value)) for row in rows)
        self._file.append(self._format.encode([dict(zip(COLUMNS, one, strict=True)) for one in told]))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
