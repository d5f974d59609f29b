"""Nights with a time box that covers a tenth of a tenant: each mailbox has its turn, whatever others do."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from functools import partial
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


def a_third(number: int, night: int) -> int:
    """Every third mailbox is denied, absent or broken, each night."""
    return {0: 403, 3: 404, 6: 400}.get(number % 9, 200)


def all_but_one(number: int, night: int) -> int:
    """Only one mailbox is ever ok."""
    return 200 if number == 7 else 400


def now_and_then(number: int, night: int) -> int:
    """Half of the mailboxes are broken, and others the night after."""
    return 400 if (number + night) % 2 else 200


def once(number: int, night: int) -> int:
    """One mailbox is broken, and not for long."""
    return 400 if number == 7 and night == 0 else 200


def none(number: int, night: int) -> int:
    """All is well."""
    return 200


async def night(folder: Path, freshness: Freshness, status: Callable[[int], int]) -> set[str]:
    """The mailboxes that were reached: a second for each."""
    kept = SpooledSource(folder / "spooled.ndjson")

    async def answer(request: Request) -> Response:
        await asyncio.sleep(1)
        number = int(request.mailbox.partition("@")[0].removeprefix("user"))
        return Response(status(number), body={"timeZone": "UTC"})

    service = Scripted(answer)
    stage = Stage(
        Stalest(kept, kept, freshness.last), service, workers=WORKERS, folder=folder, freshness=freshness
    )  # fmt: skip
    asyncio.get_running_loop().call_later(TENTH / WORKERS - 0.5, stage.stop.ask, TIME_BOX)
    await stage.run()
    await asyncio.to_thread(freshness.whole)
    statuses = stage.statuses()
    assert len(statuses) == MAILBOXES
    return {mailbox for mailbox, status in statuses.items() if status != "not_run"}


@pytest.mark.parametrize(
    ("faults", "lost"), [(none, None), (a_third, None), (a_third, 4), (all_but_one, None), (now_and_then, 4)]
)
def test_each_mailbox_is_reached_within_eleven_nights(
    tmp_path: Path, faults: Callable[..., int], lost: int | None
) -> None:  # fmt: skip
    """Also if the file is lost on a night: from then on."""
    reached: defaultdict[str, list[int]] = defaultdict(list)
    run(_spool(tmp_path))
    for number in range(NIGHTS):
        if number == lost:
            (tmp_path / "state.sqlite").unlink()
        with closing(opened(tmp_path, 86_400.0 * (number + 1))) as freshness:
            found = run(night(tmp_path, freshness, partial(faults, night=number)))
        assert len(found) == TENTH
        for mailbox in found:
            reached[mailbox].append(number)
    assert len(reached) == MAILBOXES
    first = lost or 0
    for nights in reached.values():
        since = [first - 1, *(one for one in nights if one >= first)]
        assert max(after - before for before, after in pairwise(since)) <= 11
        assert NIGHTS - since[-1] <= 11


def test_what_failed_for_a_moment_is_tried_again_the_next_night(tmp_path: Path) -> None:
    """And not when its turn comes in ten nights."""
    run(_spool(tmp_path))
    reached = []
    for number in range(2):
        with closing(opened(tmp_path, 86_400.0 * (number + 1))) as freshness:
            reached.append(run(night(tmp_path, freshness, partial(once, night=number))))
    assert reached[0] & reached[1] == {"user7@example.com"}


def opened(folder: Path, now: float) -> Freshness:
    path = folder / "state.sqlite"
    return Freshness.open(path, "zone look t", listed=now, note=lambda _: None, now=lambda: now)


async def _spool(folder: Path) -> None:
    await spool(ListSource([mailboxes(MAILBOXES)]), folder / "spooled.ndjson")
