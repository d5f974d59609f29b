"""A run ends in its directory, whatever its end was."""

import asyncio
import io
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkmail.app.ending import Ended
from bulkmail.app.prepare import surveyed
from bulkmail.app.runner import Runner
from bulkmail.model import Status
from bulkmail.run.snapshot import Snapshot
from bulkmail.run.stop import TIME_BOX
from bulkmail.rundir.manifest import Manifest
from bulkmail.rundir.reader import RunDir
from bulkmail.source import FileSource
from tests.app.rig import listed, prepared

ADDRESSES = ("ada@contoso.com", "alan@contoso.com", "grace@contoso.com")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    return made


def test_an_empty_list_is_a_run_like_any_other(tmp_path: Path, folder: Path) -> None:
    async def main() -> Ended:
        return await Runner(await surveyed(prepared(listed(tmp_path)))).run(folder)

    ended = asyncio.run(main())
    assert (ended.manifest.state, ended.manifest.exit_code, ended.failure) == ("finished", 0, None)
    assert Manifest.read(folder) == ended.manifest
    assert {"records.csv", "records.ndjson", "outcomes.ndjson"} <= {path.name for path in folder.iterdir()}


def test_a_run_that_is_told_to_stop_at_once_accounts_for_everybody(tmp_path: Path, folder: Path) -> None:
    seen: list[Snapshot] = []

    async def main() -> Ended:
        runner = Runner(await surveyed(prepared(listed(tmp_path, *ADDRESSES))), [seen.append])
        runner.stop.ask(TIME_BOX)
        return await runner.run(folder)

    ended = asyncio.run(main())
    assert (ended.manifest.state, ended.manifest.reason, ended.manifest.exit_code) == ("stopped", TIME_BOX.text, 5)
    outcomes = {one.mailbox.address: one.status for one in RunDir(folder).outcomes()}
    assert outcomes in ({}, dict.fromkeys(ADDRESSES, Status.NOT_RUN))
    assert {one.expected for one in seen} <= {3}


def test_a_run_that_is_cancelled_says_so_and_returns(tmp_path: Path, folder: Path) -> None:
    """Nothing listens, so its requests are repeated for a while."""

    async def main() -> Ended:
        ready = await surveyed(prepared(listed(tmp_path, *ADDRESSES)))
        running: asyncio.Task[Ended] = asyncio.create_task(Runner(ready, [lambda _: stop_it()]).run(folder))

        def stop_it() -> None:
            running.cancel()

        return await running

    ended = asyncio.run(main())
    assert (ended.manifest.state, ended.manifest.reason, ended.manifest.exit_code) == ("stopped", "cancelled", 130)
    assert ended.failure is None


def test_a_mistake_in_the_program_is_told_as_one(tmp_path: Path, folder: Path) -> None:
    def columns(_options: Any) -> Any:
        raise ValueError("broken")

    async def main() -> Ended:
        ready = prepared(listed(tmp_path, *ADDRESSES))
        return await Runner(replace(ready, task=replace(ready.task, columns=columns))).run(folder)

    ended = asyncio.run(main())
    assert (ended.manifest.state, ended.manifest.reason, ended.manifest.exit_code) == (
        "failed",
        "a defect: ValueError",
        1,
    )
    assert isinstance(ended.failure, ValueError)


class Slow(Manifest):
    """Its second writing, once the input is known, takes until it is let go; none may begin meanwhile."""

    begun, go, done = threading.Event(), threading.Event(), threading.Event()

    def write(self, folder: Path) -> Any:
        if self.input.measured and self.state == "running":
            self.begun.set()
            self.go.wait(60)
            written = super().write(folder)
            self.done.set()
            return written
        assert self.done.is_set() or not self.begun.is_set(), "two threads write run.json"
        return super().write(folder)


def test_the_manifest_is_written_by_one_hand_though_the_run_is_stopped_meanwhile(tmp_path: Path, folder: Path) -> None:
    """A list that is piped in is written down once it was read; the stop comes just then."""
    source = FileSource(io.BytesIO("\n".join(("mailbox", *ADDRESSES)).encode()))

    async def main() -> Ended:
        ready = prepared(tmp_path / "none", source=source)
        slow = Slow(**{name: getattr(ready.manifest, name) for name in Manifest.__dataclass_fields__})
        runner = Runner(replace(ready, manifest=slow))
        running = asyncio.create_task(runner.run(folder))
        await asyncio.to_thread(Slow.begun.wait, 60)
        runner.stop.ask(TIME_BOX)
        asyncio.get_running_loop().call_later(0.1, Slow.go.set)
        return await running

    ended = asyncio.run(main())
    assert ended.manifest.state == "stopped", ended.failure
    assert Manifest.read(folder).state == "stopped"
