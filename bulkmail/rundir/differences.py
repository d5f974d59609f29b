"""Finds in what a run that is to be resumed is no longer what it was. Compares two manifests."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from bulkmail.rundir.manifest import Manifest

PINNED = ("task", "code", "options", "mode", "input", "app", "output")
"""What a run is; a resumed one has to be the same. How hard it works may change."""


class Difference(NamedTuple):
    """A member of a manifest, such as `options.columns`, as it was and as it is; None where it is not there."""

    name: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.name}: {_shown(self.before)} is now {_shown(self.after)}"


def differences(before: Manifest, after: Manifest) -> list[Difference]:
    """What of PINNED is no longer as it was."""
    if not before.input.measured:  # that process died before it had read its input, and had done nothing
        after = replace(after, input=replace(after.input, bytes=None, sha256=None, mailboxes=None, excluded_sha256=""))
    then, now = before.as_json(), after.as_json()
    return [one for name in PINNED for one in _compared(name, then[name], now[name])]


def _compared(name: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            yield from _compared(f"{name}.{key}", before.get(key), after.get(key))
    elif before != after:
        yield Difference(name, before, after)


def _shown(value: Any) -> str:
    return "nothing" if value is None else orjson.dumps(value).decode()
