"""A port for what has to name one before it listens there."""

import socket
from contextlib import suppress
from random import SystemRandom


def quiet_port() -> int:
    """Nothing listens there. The system hands out higher ones, so that no other test is given it meanwhile."""
    for port in SystemRandom().sample(range(20_000, 30_000), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("of a hundred ports none is free")
