"""The job: file, environment and flags merged into one frozen object, and every mistake named with its key and place.

Later wins: the built-in value, the job file, the environment, the flags. A key of `[app]` is `BULKMAIL_TENANT_ID` in
the environment, one of `[input]`, `[limits]` or `[output]` is `BULKMAIL_LIMITS_BATCH`; an empty one counts as not set.
Secrets come by environment or from a file, never as a flag. Paths in a job file are relative to it, all others to the
current directory. Reads the job file and nothing else.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bulkmail.config.layers import Given, Key, flag, from_environment, from_flags, overlay, unknown_variables
from bulkmail.config.locate import has_escapes, line_of, toml_hint
from bulkmail.config.tables import PATHS, SECRETS, TABLES, App, Input, Job, Limits, Output, TaskTable
from bulkmail.config.words import in_words
from bulkmail.errors import ConfigError
from bulkmail.text import is_address, nearest

__all__ = ["App", "Input", "Job", "Limits", "Output", "TaskTable", "flag", "load"]


def load(path: Path, *, environment: Mapping[str, str] = os.environ, flags: Mapping[str, Any] | None = None) -> Job:
    """The job of a file. `flags` are dotted keys, such as `{"limits.batch": True}`, with paths relative to where we
    are.

    Raises ConfigError that names the key, its line and the nearest right name.
    """
    text = _text(path)
    tables = _tables(path, text)
    _refuse_secrets(tables, path, text)
    _refuse_escapes(tables, path, text)
    _refuse_apply(tables, path, text)
    _anchor(tables, path.parent)
    overlaid: dict[Key, Given] = {}
    for layer in (from_environment(environment), from_flags(flags or {})):
        overlay(tables, layer)
        overlaid |= layer
    _refuse_nul(tables, path)
    try:
        return Job(**tables, path=path, notes=unknown_variables(environment))
    except ValidationError as error:
        raise ConfigError("\n".join(_lines(error, path, text, overlaid))) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text", hint="Save the job file as UTF-8.") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", hint="configs/ has one to start from.") from None


def _tables(path: Path, text: str) -> dict[str, Any]:
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of 5,000 digits and arrays in arrays in arrays, too
        raise ConfigError(f"{path} is not TOML: {error}", hint=toml_hint(text, str(error))) from None
    for name, table in tables.items():
        place = f"{path}:{line_of(text, (name,))}"
        if name not in TABLES:
            raise ConfigError(f"{place}: [{name}] is not a table of a job{nearest(name, TABLES)}")
        if not isinstance(table, dict):
            raise ConfigError(f"{place}: {name} is a table", hint=f"Write [{name}] on a line above its settings.")
    return tables


def _refuse_nul(tables: Mapping[str, Any], path: Path) -> None:
    """No path can hold one, and no name or address has one."""
    for name, table in tables.items():
        for key, value in table.items():
            if any("\0" in text for text in _texts(value)):
                raise ConfigError(f"{path}: {name}.{key} holds a NUL character", hint="Write the text without it.")


def _refuse_secrets(tables: Mapping[str, Any], path: Path, text: str) -> None:
    for key in sorted(SECRETS & set(tables.get("app", ()))):
        raise ConfigError(
            f"{path}:{line_of(text, ('app', key))}: app.{key} must not stand in a job file",
            hint=f"Use app.{key}_file, or the environment variable BULKMAIL_{key.upper()}.",
        )


def _refuse_apply(tables: Mapping[str, Any], path: Path, text: str) -> None:
    """What a job file says would write each time it is run, and the person who runs it expects a plan."""
    if tables.get("task", {}).get("apply"):
        raise ConfigError(
            f"{path}:{line_of(text, ('task', 'apply'))}: task.apply must not stand in a job file: a job only plans",
            hint="Remove the line. `bulkmail run JOB.toml` plans, `bulkmail apply RUN_DIR` applies a plan that you "
            "have reviewed, and `bulkmail run JOB.toml --apply` applies at once.",
        )


def _refuse_escapes(tables: Mapping[str, Any], path: Path, text: str) -> None:
    for table, key in PATHS:
        if any(map(has_escapes, _texts(tables.get(table, {}).get(key)))):
            raise ConfigError(
                f"{path}:{line_of(text, (table, key))}: {table}.{key} holds a tab or another control character",
                hint="A backslash is special between double quotes: put a path with backslashes between single quotes.",
            )


def _anchor(tables: Mapping[str, Any], folder: Path) -> None:
    """Paths of the file are relative to the file."""
    for table, key in PATHS:
        value = tables.get(table, {}).get(key)
        if isinstance(value, str):
            tables[table][key] = _beside(folder, value)
        elif isinstance(value, list) and all(isinstance(one, str) for one in value):
            tables[table][key] = [_beside(folder, one) for one in value]


def _beside(folder: Path, path: str) -> str:
    return path if path in ("", "-") or is_address(path) else str(folder / path)


def _texts(value: object) -> list[str]:
    """A text, or those of a list."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def _lines(error: ValidationError, path: Path, text: str, overlaid: Mapping[Key, Given]) -> list[str]:
    """A line for each setting that is wrong: who gave it, its name, and what is wrong."""
    wrong: dict[tuple[str, ...], list[ErrorDetails]] = {}
    for one in error.errors(include_url=False):
        wrong.setdefault(tuple(str(part) for part in one["loc"][:2]), []).append(one)
    lines = []
    for place, errors in wrong.items():
        given = overlaid.get((place[0], place[-1]))
        lines.append(f"{given.by if given else f'{path}:{line_of(text, place)}'}: {_reason(place, errors)}")
    return lines


def _reason(place: Sequence[str], errors: Sequence[ErrorDetails]) -> str:
    if errors[0]["type"] == "extra_forbidden":
        return f"{'.'.join(place)} is not a setting{nearest(place[-1], TABLES[place[0]].model_fields)}"
    return f"{'.'.join(place)}: {in_words(errors)}"
