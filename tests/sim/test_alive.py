"""The simulator outlives its clients: they are killed and started anew, and it goes on counting."""

import time
from collections.abc import Callable
from pathlib import Path

from bulkmail.sim import Settings
from bulkmail.testing.tenant import open_tenant, write_job, write_list
from tests.forked import run, start

MAILBOXES = 200


def until(holds: Callable[[], bool]) -> None:
    """Looks again and again; the time-out of the test ends it."""
    while not holds():
        time.sleep(0.02)


def test_clients_are_killed_and_the_next_one_finds_the_same_tenant(tmp_path: Path) -> None:
    settings = Settings(mailboxes=MAILBOXES, absent=0.0, denied=0.0, moving=0.0, latency=0.05)
    with open_tenant(tmp_path, settings) as tenant:
        listed = write_list(tmp_path, tenant.addresses())
        tables = f'[input]\npath = "{listed.name}"\n\n[task]\nname = "settings.report"'
        job = write_job(tmp_path, tenant.simulator, tenant.app, tables)
        for number in range(2):
            seen = tenant.books()["requests"]
            started = start(tmp_path, "run", job.name, "--output", f"killed-{number}")
            started.until(lambda seen=seen: tenant.books()["requests"] > seen)  # type: ignore[misc]
            started.kill()
        until(lambda: tenant.books()["in_flight"] == 0)
        before = tenant.books()["requests"]
        done = run(tmp_path, "run", job.name, "--output", "whole", out="whole")
        assert done.code == 0, done.err
        assert len(done.rows) == MAILBOXES
        books = tenant.books()
        assert books["requests"] == before + MAILBOXES
        assert not books["breaches"]
        assert tenant.contents("contacts") == []
        assert tenant.effects("nothing") == {}
