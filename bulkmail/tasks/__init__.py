"""Finds tasks: those that come with bulkmail, those of installed packages, and those in a file of the user's own.

A family is a package in here with `TASKS` in it; its tasks are named after it, `settings.report` after `settings`. It
is entered in no list by hand, and imported when one of its tasks is asked for.
"""

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bulkmail.config.words import in_words
from bulkmail.errors import ConfigError
from bulkmail.task.declare import Options, Task, task
from bulkmail.text import likeliest, nearest

__all__ = ["Options", "Task", "built_in", "check_options", "every", "families", "find", "our_own", "summaries", "task"]

GROUP = "bulkmail.tasks"
"""The entry points of packages that bring tasks."""


@cache
def families() -> tuple[str, ...]:
    """The packages in here, by their names: found by looking, and not imported."""
    return tuple(module.name for module in iter_modules(__path__) if module.ispkg)


@cache
def _tasks_of(family: str) -> Mapping[str, Task]:
    return {one.name: one for one in getattr(import_module(f"{__name__}.{family}"), "TASKS", ())}


def our_own(name: str) -> Task | None:
    """A task that comes with bulkmail, or None."""
    family = name.partition(".")[0]
    return _tasks_of(family).get(name) if family in families() else None


def built_in() -> dict[str, Task]:
    """All tasks that come with bulkmail."""
    return {name: one for family in families() for name, one in _tasks_of(family).items()}


def every() -> dict[str, Task]:
    """All tasks that can be named; an installed package cannot replace one of ours. Raises ConfigError."""
    return {entry.name: _loaded(entry) for entry in entry_points(group=GROUP)} | built_in()


SUMMARIES = Path(__file__).with_name("summaries.json")
"""What our own tasks do, by their names: `make docs` writes it, so that a list of them need not import them all."""


def summaries() -> dict[str, str]:
    """What each task does that can be named, by its name. Raises ConfigError."""
    ours: dict[str, str] = orjson.loads(SUMMARIES.read_bytes())
    return {entry.name: _loaded(entry).summary for entry in entry_points(group=GROUP)} | ours


def find(name: str, folder: Path) -> Task:
    """A task by name, or by `file.py:function` with the file relative to `folder`. Raises ConfigError."""
    path, colon, function = name.rpartition(":")
    if colon and path.endswith(".py"):
        return _from_file(folder / path, function)
    if (ours := our_own(name)) is not None:
        return ours
    entries = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in entries:
        close = likeliest(name, every())
        hint = f"Did you mean {close}?" if close else "`bulkmail tasks` lists them."
        raise ConfigError(f"task.name: there is no task {name!r}", hint=hint)
    return _loaded(entries[name])


def _loaded(entry: EntryPoint) -> Task:
    with _naming(entry.value):
        found = entry.load()
    return _checked(found, entry.value)


def _from_file(path: Path, function: str) -> Task:
    spec = importlib.util.spec_from_file_location(f"bulkmail_task_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigError(f"task.name: there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where pickles and dataclasses look for it
    with _naming(str(path)):
        spec.loader.exec_module(module)
    return _checked(getattr(module, function, None), f"{path}:{function}")


@contextmanager
def _naming(origin: str) -> Iterator[None]:
    """What goes wrong while code of others is loaded is reported with its name."""
    try:
        yield
    except Exception as error:
        raise ConfigError(f"task.name: {origin} cannot be loaded: {type(error).__name__}: {error}") from error


def _checked(found: object, origin: str) -> Task:
    if not isinstance(found, Task):
        raise ConfigError(f"task.name: {origin} is not a task", hint="Put @task(...) above the function.")
    return found


def check_options(chosen: Task, given: Mapping[str, Any], folder: Path | None = None) -> Options:
    """The options of a task from the job's `[task]` table; files that they name are relative to `folder`.

    Raises ConfigError that names each wrong one, and InputError for a file that is not what it should be.
    """
    try:
        return chosen.options.model_validate(dict(given), context={"folder": folder or Path()})
    except ValidationError as error:
        hint = f"`bulkmail tasks {chosen.name}` lists what goes into [task]." if our_own(chosen.name) else ""
        raise ConfigError(
            "\n".join(_told(chosen, one) for one in error.errors(include_url=False)), hint=hint
        ) from None  # fmt: skip


def _told(chosen: Task, error: ErrorDetails) -> str:
    if not error["loc"]:
        return f"{chosen.name}: {in_words([error])}"
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"task.{name} is not an option of {chosen.name}{nearest(name, chosen.options.model_fields)}"
    return f"task.{name}: {in_words([error])}"
