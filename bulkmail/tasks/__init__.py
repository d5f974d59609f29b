"""Finds tasks: those that come with bulkmail, those of installed packages, and those in a file of one's own."""

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bulkmail.errors import ConfigError
from bulkmail.task.declare import Options, Task, task
from bulkmail.tasks.contacts_sync import contacts_sync
from bulkmail.tasks.mail_send import mail_send
from bulkmail.tasks.settings_apply import settings_apply
from bulkmail.tasks.settings_report import settings_report
from bulkmail.text import likeliest, nearest

__all__ = ["Options", "Task", "check_options", "every", "find", "task"]

GROUP = "bulkmail.tasks"
"""The entry points of packages that bring tasks."""

BUILT_IN = {one.name: one for one in (settings_report, settings_apply, contacts_sync, mail_send)}


def every() -> dict[str, Task]:
    """All tasks that can be named; an installed package cannot replace one of ours. Raises ConfigError."""
    return {entry.name: _loaded(entry) for entry in entry_points(group=GROUP)} | BUILT_IN


def find(name: str, folder: Path) -> Task:
    """A task by name, or by `file.py:function` with the file relative to `folder`. Raises ConfigError."""
    path, colon, function = name.rpartition(":")
    if colon and path.endswith(".py"):
        return _from_file(folder / path, function)
    if name in BUILT_IN:
        return BUILT_IN[name]
    entries = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in entries:
        close = likeliest(name, [*BUILT_IN, *entries])
        hint = f"Did you mean {close}?" if close else "`bulkmail tasks` lists them."
        raise ConfigError(f"task.name: there is no task {name!r}", hint=hint)
    return _loaded(entries[name])


def _loaded(entry: EntryPoint) -> Task:
    with _blaming(entry.value):
        found = entry.load()
    return _checked(found, entry.value)


def _from_file(path: Path, function: str) -> Task:
    spec = importlib.util.spec_from_file_location(f"bulkmail_task_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigError(f"task.name: there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where pickles and dataclasses look for it
    with _blaming(str(path)):
        spec.loader.exec_module(module)
    return _checked(getattr(module, function, None), f"{path}:{function}")


@contextmanager
def _blaming(origin: str) -> Iterator[None]:
    """Whatever goes wrong while a stranger's code is loaded is told with its name."""
    try:
        yield
    except Exception as error:
        raise ConfigError(f"task.name: {origin} cannot be loaded: {type(error).__name__}: {error}") from error


def _checked(found: object, origin: str) -> Task:
    if not isinstance(found, Task):
        raise ConfigError(f"task.name: {origin} is no task", hint="Put @task(...) above the function.")
    return found


def check_options(chosen: Task, given: Mapping[str, Any], folder: Path | None = None) -> Options:
    """The options of a task from the job's `[task]` table; files that they name are relative to `folder`.

    Raises ConfigError that names each wrong one, and InputError for a file that is not what it should be.
    """
    try:
        return chosen.options.model_validate(dict(given), context={"folder": folder or Path()})
    except ValidationError as error:
        raise ConfigError("\n".join(_told(chosen, one) for one in error.errors(include_url=False))) from None


def _told(chosen: Task, error: ErrorDetails) -> str:
    name = str(error["loc"][0]) if error["loc"] else chosen.name
    if error["type"] == "extra_forbidden":
        return f"task.{name} is no option of {chosen.name}{nearest(name, chosen.options.model_fields)}"
    reason = error["msg"].removeprefix("Value error, ")
    return f"task.{name}: {reason[:1].lower()}{reason[1:]}"
