"""The last look before a request leaves: behind the connection, which may take seconds, and before the first byte.

A process that was stopped while it connected goes on there when it wakes. Whether it may still send has to be asked
here, in the same step in which the bytes are handed over; what was asked further up may be long out of date.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias

Leaving: TypeAlias = Callable[[], None]
"""Raises `errors.Lapsed` where nothing may leave any more."""


def always() -> None:
    """For a process that holds no lease: it may send as long as it lives."""


class Connection(Protocol):
    """What a request was to leave on."""

    def close(self) -> None: ...


def ask(leaving: Leaving, connection: Connection) -> None:
    """Closes the connection where nothing may leave on it, and raises what `leaving` raises."""
    try:
        leaving()
    except BaseException:
        connection.close()
        raise
