"""The last look before a request leaves: behind the connection, which may take seconds, and before the first byte.

A process that was stopped while it connected goes on there when it wakes. Whether it may still send has to be asked
here, in the same step in which the bytes are handed over; what was asked further up may be long out of date.
"""

from collections.abc import Callable
from typing import TypeAlias

Leaving: TypeAlias = Callable[[], None]
"""Raises `errors.Lapsed` where nothing may leave any more."""


def always() -> None:
    """For a process that holds no lease: it may send as long as it lives."""
