"""What the command line prints, and how it exits. Everything that comes from a mailbox is shown as plain text.

Results go to the standard output, progress and errors to the standard error. Markup in a text from outside is not read.
Where the log is JSON, notes and errors are entries of it, so that the standard error is JSON from its first byte on.
"""

import json
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, RenderableType

from bulkmail.errors import BulkmailError
from bulkmail.text import one_line, redacted, visible

log = logging.getLogger(__name__)


class Screen(Console):
    """Prints texts less what a terminal would act on: they may come from another person's run directory."""

    def print(self, *objects: Any, **how: Any) -> None:
        texts = ("\n".join(map(visible, one.split("\n"))) if isinstance(one, str) else one for one in objects)
        super().print(*texts, **how)

    def tell(self, text: str, **how: Any) -> None:
        """A sentence: a terminal cuts no word of it at its edge, and in a file it is one line."""
        self.print(text, soft_wrap=not self.is_terminal, **how)

    def lay_out(self, table: RenderableType) -> None:
        """A table; in a file its lines end with their texts, and not with blanks up to the width."""
        if self.is_terminal:
            self.print(table)
            return
        with self.capture() as held:
            self.print(table)
        for line in held.get().splitlines():
            self.print(line.rstrip(), soft_wrap=True)


errors = Screen(stderr=True, highlight=False, markup=False, emoji=False)
results = Screen(highlight=False, markup=False, emoji=False)


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Exits with the code of an expected error, after saying what to do about it. A path that the system will not even
    look at (in a folder that is closed to this account, a name that is too long) is told here if nowhere else."""
    try:
        yield
    except BulkmailError as error:
        complain(error)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        if error.filename is None:  # it is not about a path that somebody named
            raise
        complain(unusable := BulkmailError(f"cannot use {error.filename}: {error.strerror}"))
        raise SystemExit(unusable.exit_code) from None
    except KeyboardInterrupt:  # before a run or after it; while one is under way the loop handles it
        note("interrupted; what a run has begun, `bulkmail resume DIRECTORY` finishes")
        raise SystemExit(128 + signal.SIGINT) from None


def complain(error: BulkmailError, masked: Callable[[str], str] = str) -> None:
    """Prints what happened, and what to do about it; `masked` takes out what the reader is not to see."""
    said = masked(str(error))
    if _logs_json():
        fields = {"event": "error", "exit_code": error.exit_code, "hint": masked(error.hint)}
        log.error("%s", said or type(error).__name__, extra={"fields": fields})
        return
    for line in said.splitlines() or [type(error).__name__]:
        errors.tell(f"bulkmail: {one_line(line)}", style="red")
    if error.hint:
        errors.tell(f"  {one_line(masked(error.hint))}")


def note(text: str) -> None:
    """A sentence for the user that is not a result."""
    if _logs_json():
        log.info("%s", text, extra={"fields": {"event": "note"}})
        return
    errors.tell(one_line(text))


class _JsonLines(logging.Formatter):
    """One JSON object a line. `extra={"fields": {...}}` of a record are members of their own."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return redacted(json.dumps(entry))


class _OneLine(logging.Formatter):
    """Date, time, level, message; a text from outside cannot forge a second line."""

    def format(self, record: logging.LogRecord) -> str:
        stamp = datetime.fromtimestamp(record.created).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        text = f"{stamp} {record.levelname.lower()}: {one_line(record.getMessage())}"
        if not record.exc_info:
            return text
        trace = self.formatException(record.exc_info).splitlines()
        return "\n".join([text, *(f"  {one_line(line)}" for line in trace)])


def _matters(record: logging.LogRecord) -> bool:
    """False for data that came for a connection just closed: uvloop logs that as a fatal error."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, RuntimeError) and "the handler is closed" in str(error))


def _logs_json() -> bool:
    return any(isinstance(handler.formatter, _JsonLines) for handler in logging.getLogger().handlers)


def log_to_stderr(*, as_json: bool) -> None:
    """From libraries only warnings and errors are logged, since what they log otherwise holds addresses."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if as_json else _OneLine())
    handler.addFilter(_matters)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("bulkmail").setLevel(logging.INFO)
