"""Ends what a server would never end: shuts the sockets of an attempt when its time is up. Does not know what they are
for.

The timeouts of a socket bound the wait for the next byte, so a server that sends one a second is within them for ever.
"""

import socket
from contextlib import suppress
from threading import Lock, Timer

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager


class Deadline:
    """Begins when it is made; `seconds` later everything that it watches is shut. Close it after the attempt."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._lock = Lock()
        self._watched: list[socket.socket] = []
        self._timer = Timer(seconds, self._pass)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, connected: socket.socket) -> None:
        """Looks after a connection from its first byte on, through the handshake of TLS, which wraps the socket."""
        with self._lock:
            self._watched.append(connected.dup())
        if self.passed:
            self._pass()

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            while self._watched:
                self._watched.pop().close()

    def _pass(self) -> None:
        self.passed = True
        with self._lock:
            for connected in self._watched:
                with suppress(OSError):  # it has ended meanwhile
                    connected.shutdown(socket.SHUT_RDWR)


class WatchedAdapter(HTTPAdapter):
    """An adapter of requests whose connections a deadline watches, through a proxy as well."""

    def __init__(self, deadline: Deadline) -> None:
        self._pools = _pools(deadline)
        super().__init__()

    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        super().init_poolmanager(*args, **kwargs)  # type: ignore[arg-type]
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: object) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pools(deadline: Deadline) -> dict[str, type[HTTPConnectionPool]]:
    class Connection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            connected = super()._new_conn()
            deadline.watch(connected)
            return connected

    class Pool(HTTPSConnectionPool):
        ConnectionCls = Connection

    return {"https": Pool, "http": HTTPConnectionPool}
