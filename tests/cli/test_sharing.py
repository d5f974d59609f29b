"""Two runs with one application: they share what a mailbox allows, say so, or wait for each other."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bulkmail.app.sharing import registry
from bulkmail.rundir.manifest import PinnedApp
from bulkmail.rundir.registry import Entry, Lease
from bulkmail.testing.tenant import CLIENT_ID
from tests.cli.conftest import REPORT, Desk

NAME = "settings.report in /elsewhere (process 7)"


@contextmanager
def another_run(desk: Desk, folder: Path) -> Iterator[Lease]:
    """Works with the application of the desk, and has begun long ago."""
    simulator = desk.tenant.simulator
    app = PinnedApp(simulator.tenant_id, CLIENT_ID, "custom", simulator.login_url, simulator.graph_url)
    lease = Lease.join(registry(app, folder), Entry("settings.report", "/elsewhere", 7, 1.0))
    lease.settle(2, allowed=0, most=0)
    try:
        yield lease
    finally:
        lease.leave()


@contextmanager
def hearing(words: str, act: Callable[[], None]) -> Iterator[None]:
    """Acts when a note with these words is logged: not sooner, however long the run takes to come to it."""

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if words in record.getMessage():
                act()

    ear, logger = Ear(), logging.getLogger("bulkmail.cli.console")
    logger.addHandler(ear)
    try:
        yield
    finally:
        logger.removeHandler(ear)


def job_in(desk: Desk) -> Path:
    return desk.job(f'{REPORT}\n[state]\nregistry = "running"\n')


def test_a_run_beside_another_tells_what_it_has(desk: Desk) -> None:
    with another_run(desk, desk.folder / "running"):
        done = desk.bulkmail("run", job_in(desk))
    assert done.code == 0, done.err
    assert f"2 of 4 requests at a time for each mailbox, because this application is at work: {NAME}" in done.err
    assert done.manifest["warnings"] == [f"shared the limits of the service with {NAME}"]


def test_alone_nothing_is_told(desk: Desk) -> None:
    done = desk.bulkmail("run", job_in(desk))
    assert (done.code, "at work" in done.err, done.manifest["warnings"]) == (0, False, [])


def test_one_that_is_told_to_wait_waits(desk: Desk) -> None:
    with another_run(desk, desk.folder / "running") as lease, hearing("waiting, because", lease.leave):
        done = desk.bulkmail("run", job_in(desk), "--wait", "--log-json")
    assert done.code == 0, done.err
    assert f"waiting, because this application is at work: {NAME}" in done.err
    assert "no other run works with this application now: 4 requests at a time for each mailbox" in done.err


def test_where_the_registry_cannot_be_kept_the_run_goes_on(desk: Desk) -> None:
    (desk.folder / "running").write_text("")
    done = desk.bulkmail("run", job_in(desk))
    assert done.code == 0, done.err
    assert "whether another run works with this application cannot be told" in done.err
