"""Where the body of an answer goes that is too large for memory."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

Take: TypeAlias = Callable[[bytes], Awaitable[None]]
"""Takes one chunk of an answer, of some hundred kilobytes at the most."""

Into: TypeAlias = Callable[[], AbstractAsyncContextManager[Take]]
"""Where the body of an answer goes: entered for each attempt, and left with the error of one that broke off."""
