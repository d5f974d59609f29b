"""Finds what stands at a place in an answer: names between slashes, such as `from/emailAddress/address`. Sends nothing.

A place that leads through a list gives the list of what stands there in each of its items; a number is one of them. An
empty place is the whole.
"""

from typing import Any

SIGNED = frozenset({"@microsoft.graph.downloadurl", "@content.downloadurl", "importurl", "uploadurl"})
"""Members that hold a pre-signed address, in lower case: anyone who has it may use it, so it belongs into no file."""


def at(value: Any, place: str) -> Any:
    """What stands there; None where there is nothing."""
    if not place:
        return value
    name, _, rest = place.partition("/")
    if isinstance(value, dict):
        return at(value.get(name), rest)
    if not isinstance(value, list):
        return None
    if not name.isdecimal():
        return [at(one, place) for one in value]
    return at(value[int(name)], rest) if len(name) < 9 and int(name) < len(value) else None


def holds(value: Any, wanted: Any) -> bool:
    """Whether `value` says what `wanted` says: each of its members, with the same value. What only describes, such as
    `@odata.type`, does not count."""
    if not isinstance(wanted, dict):
        return bool(value == wanted)
    return isinstance(value, dict) and all(holds(value.get(name), one) for name, one in plain(wanted).items())


def named(value: Any, wanted: Any) -> Any:
    """The members of `value` that `wanted` names, each as a whole; of what has no members, all."""
    if not isinstance(wanted, dict) or not isinstance(value, dict):
        return value
    return {name: value.get(name) for name in plain(wanted)}


def plain(value: Any) -> Any:
    """An object without the members that only describe."""
    return {name: one for name, one in value.items() if "@" not in name} if isinstance(value, dict) else value


def unsigned(value: Any) -> Any:
    """An answer without the members in it that hold a pre-signed address."""
    if isinstance(value, dict):
        return {name: unsigned(one) for name, one in value.items() if name.lower() not in SIGNED}
    return [unsigned(one) for one in value] if isinstance(value, list) else value
