"""Tells a task's own mistakes from the end of the run, and where in the task they were made. Knows no task by name."""

import asyncio
import inspect
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import partial
from pathlib import Path
from traceback import walk_tb
from typing import Any

from bulkmail.errors import TaskMistake
from bulkmail.task.declare import Task


def is_own(error: BaseException) -> bool:
    """Whether a task has raised `error` by itself, though it looks like the end of the process or of the run, such as
    SystemExit or CancelledError. A worker that is cancelled knows it."""
    working = asyncio.current_task()
    return isinstance(error, Exception) or working is None or not working.cancelling()


def place_in(task: Task, error: BaseException) -> str:
    """The line of the task in which `error` came up, such as `kind.py:17`; empty if it came from elsewhere.

    It is the innermost line in the folder of the task's own file: what the task calls of Python and of bulkmail is of
    no use to its author.
    """
    run: Any = inspect.unwrap(task.run)
    code = getattr(run.func if isinstance(run, partial) else run, "__code__", None)
    if code is None:
        return ""
    home = Path(code.co_filename).parent
    lines = [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(error.__traceback__)]
    return next((f"{file.name}:{line}" for file, line in reversed(lines) if file.parent == home), "")


def check_row(row: object, running: object) -> None:
    """Raises TaskMistake for what a task has yielded in place of a row. `running` is the task, which waits there."""
    if not isinstance(row, dict):
        frame = getattr(running, "ag_frame", None)
        place = f" ({Path(frame.f_code.co_filename).name}:{frame.f_lineno})" if frame is not None else ""
        raise TaskMistake(f"the task yielded {type(row).__name__}: a row is a dict of columns{place}")


async def close(running: object) -> None:
    """Ends a task that waits for its row to be taken, and has files open: it must not write to them any more."""
    if isinstance(running, AsyncGenerator):
        with suppress(Exception, SystemExit, KeyboardInterrupt, GeneratorExit):  # the mailbox has failed already
            await running.aclose()
