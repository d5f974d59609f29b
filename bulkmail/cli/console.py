"""What the command line says, and how it ends. Everything that comes from a mailbox is shown as plain text.

Results go to the standard output, progress and errors to the standard error. No markup is read from texts of others.
"""

import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console

from bulkmail.errors import BulkmailError
from bulkmail.run.stop import INTERRUPTED
from bulkmail.text import one_line

errors = Console(stderr=True, highlight=False, markup=False, emoji=False)
results = Console(highlight=False, markup=False, emoji=False)


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Ends the program with the exit code of an expected error, after saying what to do about it."""
    try:
        yield
    except BulkmailError as error:
        complain(error)
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:  # nobody reads any more; the interpreter must not try to flush for them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except KeyboardInterrupt:  # not while a run is under way; before one, or behind it
        note("interrupted; what a run has begun, `bulkmail resume DIRECTORY` finishes")
        raise SystemExit(INTERRUPTED[signal.SIGINT].code) from None


def complain(error: BulkmailError) -> None:
    """Says what happened, and what to do."""
    for line in str(error).splitlines() or [type(error).__name__]:
        errors.print(f"bulkmail: {one_line(line)}", style="red", soft_wrap=True)
    if error.hint:
        errors.print(f"  {one_line(error.hint)}", soft_wrap=True)


def note(text: str) -> None:
    """A sentence for the user that is no result."""
    errors.print(one_line(text), soft_wrap=True)


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry)


class _OneLine(logging.Formatter):
    """Time, level, message; a text from outside cannot forge a second line."""

    def format(self, record: logging.LogRecord) -> str:
        stamp = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        text = f"{stamp} {record.levelname.lower()}: {one_line(record.getMessage())}"
        if not record.exc_info:
            return text
        trace = self.formatException(record.exc_info).splitlines()
        return "\n".join([text, *(f"  {one_line(line)}" for line in trace)])


def _matters(record: logging.LogRecord) -> bool:
    """Not that something came for a connection which we had just closed: uvloop calls that a fatal error."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, RuntimeError) and "the handler is closed" in str(error))


def log_to_stderr(*, as_json: bool) -> None:
    """Our own log only: those of the libraries say addresses, and stay silent below a warning."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if as_json else _OneLine())
    handler.addFilter(_matters)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("bulkmail").setLevel(logging.INFO)
