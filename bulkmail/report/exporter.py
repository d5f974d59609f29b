"""Hands the metrics of a run to Prometheus: a file for the textfile collector, and a page that is asked for.

Both live in threads of their own. What goes wrong with them while a run goes on is logged once, and the run goes on.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread

from prometheus_client import start_http_server

from bulkmail.errors import OutputError, UsageError
from bulkmail.report.metrics import Metrics, write

log = logging.getLogger(__name__)

EVERY = 5.0
"""Seconds between two writings of the file: several between two looks of a collector."""

PATIENCE = 10.0
"""Seconds that are waited for the last writing: a disk that hangs must not hold the exit code back."""


def address(text: str) -> tuple[str, int]:
    """`127.0.0.1:9464` or `[::1]:9464` as host and port. Raises UsageError."""
    host, _, port = text.rpartition(":")
    try:
        ip_address(host.strip("[]"))
        number = int(port)
    except ValueError:
        number = 0
    if not 0 < number < 65_536:
        raise UsageError(f"--metrics-listen {text}: not an address and a port", hint="Write 127.0.0.1:9464.")
    return host.strip("[]"), number


@contextmanager
def listening(metrics: Metrics, host: str, port: int) -> Iterator[None]:
    """Serves the metrics at `/metrics`, to anyone who reaches the address. Raises UsageError where it is taken."""
    try:
        server, thread = start_http_server(port, host, metrics.registry)
    except OSError as error:
        reason = (error.strerror or "cannot be listened on").lower()
        raise UsageError(f"--metrics-listen {host}:{port}: {reason}", hint="Name another port.") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE)


@contextmanager
def writing(metrics: Metrics, path: Path, every: float = EVERY) -> Iterator[None]:
    """Writes the metrics to `path` now and then, and when the block has ended."""
    over = Event()

    def work() -> None:
        while not over.wait(every):
            try:
                write(metrics, path)
            except OutputError as error:
                log.warning("the run goes on without its metrics: %s", error)
                return

    thread = Thread(target=work, daemon=True, name="metrics")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(PATIENCE)
        last = Thread(target=_write_last, args=(metrics, path), daemon=True, name="metrics")
        last.start()
        last.join(PATIENCE)


def _write_last(metrics: Metrics, path: Path) -> None:
    try:
        write(metrics, path)
    except OutputError as error:
        log.warning("the metrics could not be written: %s", error)
