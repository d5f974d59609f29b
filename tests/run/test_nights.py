"""Nights with a time box that covers a tenth of a tenant: each mailbox has its turn, whatever others do."""

import asyncio
from collections import defaultdict
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from bulkmail.model import Request, Response
from bulkmail.run.stop import TIME_BOX
from bulkmail.rundir.freshness import Freshness
from bulkmail.source.spool import SpooledSource, spool
from bulkmail.source.stalest import Stalest
from bulkmail.testing import Scripted, run
from tests.run.stage import ListSource, Stage, mailboxes

MAILBOXES, NIGHTS, TENTH = 200, 20, 20
WORKERS = 4


async def answer(request: Request) -> Response:
    """A second for each; every third mailbox is denied, absent or broken, each night."""
    await asyncio.sleep(1)
    number = int(request.mailbox.partition("@")[0].removeprefix("user"))
    status = {0: 403, 3: 404, 6: 400}.get(number % 9, 200)
    return Response(status, body={"timeZone": "UTC"})


async def night(folder: Path, freshness: Freshness) -> set[str]:
    """The mailboxes that were reached."""
    kept = SpooledSource(folder / "spooled.ndjson")
    service = Scripted(answer)
    stage = Stage(
        Stalest(kept, kept, freshness.tried), service, workers=WORKERS, folder=folder, freshness=freshness
    )  # fmt: skip
    asyncio.get_running_loop().call_later(TENTH / WORKERS - 0.5, stage.stop.ask, TIME_BOX)
    await stage.run()
    await asyncio.to_thread(freshness.whole)
    statuses = stage.statuses()
    assert len(statuses) == MAILBOXES
    return {mailbox for mailbox, status in statuses.items() if status != "not_run"}


@pytest.mark.parametrize("lost", [None, 4])
def test_each_mailbox_is_reached_within_eleven_nights(tmp_path: Path, lost: int | None) -> None:
    """Also if the file is lost on a night: from then on."""
    reached: defaultdict[str, list[int]] = defaultdict(list)
    run(_spool(tmp_path))
    for number in range(NIGHTS):
        if number == lost:
            (tmp_path / "state.sqlite").unlink()
        with closing(opened(tmp_path, 86_400.0 * (number + 1))) as freshness:
            found = run(night(tmp_path, freshness))
        assert len(found) == TENTH
        for mailbox in found:
            reached[mailbox].append(number)
    assert len(reached) == MAILBOXES
    first = lost or 0
    for nights in reached.values():
        since = [first - 1, *(one for one in nights if one >= first)]
        assert max(after - before for before, after in pairwise(since)) <= 11
        assert NIGHTS - since[-1] <= 11


def opened(folder: Path, now: float) -> Freshness:
    path = folder / "state.sqlite"
    return Freshness.open(path, "zone look t", listed=now, note=lambda _: None, now=lambda: now)


async def _spool(folder: Path) -> None:
    await spool(ListSource([mailboxes(MAILBOXES)]), folder / "spooled.ndjson")
