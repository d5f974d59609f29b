"""The last look before a request leaves: behind the connection, which may take seconds, and before the first byte.

A process that was stopped while it connected goes on there when it wakes. Whether it may still send has to be asked
here, in the same step in which the bytes are handed over; what was asked further up may be long out of date.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import aiohttp

Leaving: TypeAlias = Callable[[], None]
"""Raises `errors.Lapsed` where nothing may leave any more."""


def always() -> None:
    """For a process that holds no lease: it may send as long as it lives."""


class Connector(aiohttp.TCPConnector):
    """Asks `leaving` when it has a connection: aiohttp sends the head of the request in the same step."""

    def __init__(self, leaving: Leaving, **settings: Any) -> None:
        super().__init__(**settings)
        self._leaving = leaving

    async def connect(self, *args: Any, **kwargs: Any) -> aiohttp.connector.Connection:
        connection = await self._connected(*args, **kwargs)
        try:
            self._leaving()
        except BaseException:
            connection.close()
            raise
        return connection

    async def _connected(self, *args: Any, **kwargs: Any) -> aiohttp.connector.Connection:
        return await super().connect(*args, **kwargs)
