"""Environment and flags, laid over the tables of a job file. Checks names, not values."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bulkmail.config.tables import SECRETS, TABLES, Paths
from bulkmail.errors import ConfigError
from bulkmail.text import likeliest

ORIGINS = frozenset({("input", "path"), ("input", "users"), ("input", "group")})
"""Where mailboxes come from; naming one on a later layer sets aside those of the earlier ones."""

Key: TypeAlias = tuple[str, str]
"""A table and a key in it."""


_TEXTS = (str, str | None, Paths)
"""Types of settings that are texts, even if they look like a number or a date."""


@dataclass(frozen=True, slots=True)
class Given:
    """A setting that does not come from the job file. `by` is the variable or the command line, for messages."""

    value: Any
    by: str


def flag(text: str) -> tuple[str, Any]:
    """`limits.batch=true` as a dotted key and a value; what is not a TOML value is a text."""
    dotted, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--set {text}: there is no value", hint="Write --set TABLE.KEY=VALUE.")
    table, _, key = dotted.strip().partition(".")
    return dotted.strip(), _typed((table, key), value.strip())


def from_environment(environment: Mapping[str, str]) -> dict[Key, Given]:
    """The settings in the environment. An empty variable counts as not set; those of `[app]` are taken as they are."""
    return {
        key: Given(text if key[0] == "app" else _typed(key, text), name)
        for name, key in VARIABLES.items()
        if (text := environment.get(name))
    }


def unknown_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Notes on variables that begin with BULKMAIL_ and are not settings."""
    names = sorted(name for name in environment if name.startswith("BULKMAIL_") and name not in VARIABLES)
    return tuple(f"{name} is not a setting of bulkmail{_offer(name, VARIABLES)}" for name in names)


def from_flags(flags: Mapping[str, Any]) -> dict[Key, Given]:
    """The settings of the command line, by their dotted keys."""
    found: dict[Key, Given] = {}
    for dotted, value in flags.items():
        table, _, key = dotted.partition(".")
        if table not in TABLES or not key:
            every = [f"{one}.{name}" for one in TABLES for name in TABLES[one].model_fields]
            raise ConfigError(f"{dotted} is not a setting{_offer(dotted, every)}", hint="Write TABLE.KEY=VALUE.")
        if key in SECRETS:
            raise ConfigError(
                f"{dotted} cannot be a flag: other users of this machine would see it",
                hint=f"Use app.{key}_file, or the environment variable BULKMAIL_{key.upper()}.",
            )
        found[table, key] = Given(value, "command line")
    return found


def overlay(tables: dict[str, Any], layer: Mapping[Key, Given]) -> None:
    """Lay settings over those that are there."""
    for table, key in ORIGINS if ORIGINS & layer.keys() else ():
        tables.get(table, {}).pop(key, None)
    for (table, key), given in layer.items():
        tables.setdefault(table, {})[key] = given.value


def _variable(key: Key) -> str:
    table, name = key
    return f"BULKMAIL_{name}".upper() if table == "app" else f"BULKMAIL_{table}_{name}".upper()


VARIABLES: Mapping[str, Key] = {
    _variable((table, key)): (table, key) for table in TABLES if table != "task" for key in TABLES[table].model_fields
}


def _offer(name: str, known: Iterable[str]) -> str:
    close = likeliest(name, known)
    return f"; did you mean {close}?" if close else ""


def _typed(key: Key, text: str) -> Any:
    """What `text` means for a setting: a TOML value if it is one, but never a number or a date for a text."""
    table, name = key
    field = TABLES[table].model_fields.get(name) if table in TABLES else None
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
    wanted = (str, list) if field and field.annotation == Paths else str
    return text if field and field.annotation in _TEXTS and not isinstance(value, wanted) else value
