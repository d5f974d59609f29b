"""All that can go wrong on the simulator, beneath a whole stack: no answer is anybody else's, no limit is broken, and
what must not be done twice is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bulkmail.core.retry import RetryRules
from bulkmail.errors import BulkmailError, GraphError, LinkRefused, OutcomeUnknown
from bulkmail.graph import Graph
from bulkmail.model import Effect, Mailbox
from bulkmail.sim import Fault, kinds
from bulkmail.testing import collect
from bulkmail.transport import StackSettings, stack
from bulkmail.transport.wire import WireSettings, wire
from tests.sim.desk import Desk, rehearse, sign_in
from tests.transport.rig import unheard

MAILBOXES = range(12)
SETTINGS = "/mailboxSettings"
SECONDS = {"silent": 0.1, "stall": 30.0, "drip": 0.00001, "slow": 0.3, "late": 0.2, "throttle": 1.0, "accepted": 1.0}
AN_ERROR = {"redirect", "redirect-plain"}
"""Faults that say something, and nothing that asking again would mend."""

ONCE = {"expire", "challenge"}
"""Faults that end every token so far: twice within one request is a credential that Graph does not want."""


PAGES = [kind for kind in kinds() if kind.startswith("page-")]
TROUBLE = [
    (kind, batch)
    for kind in kinds()
    for batch in (0, 20)
    if kind not in PAGES and (batch or not kind.startswith(("part-", "batch-")))
]


class Renewed:
    """Tokens of the desk's own application."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._token = desk.token

    async def token(self, *, refused: str = "", claims: str = "") -> str:
        if refused == self._token:
            self._token = (await sign_in(self._desk.sim, self._desk.session))[1]["access_token"]
        return self._token


@asynccontextmanager
async def graphs(desk: Desk, batch: int) -> AsyncIterator[list[Graph]]:
    """A Graph for each mailbox, on one stack."""
    base = f"{desk.sim.graph_url}/v1.0"
    chosen = StackSettings(batch=batch, retries=RetryRules(base=0.01, cap=0.01))
    async with (
        wire(WireSettings(base, "bulkmail-tests", stall=0.5, largest=2_000_000)) as terminal,
        stack(terminal, Renewed(desk), chosen, unheard) as whole,
    ):
        yield [Graph.of(Mailbox(desk.sim.tenant.address(n), n + 2), whole.transport, base) for n in MAILBOXES]


async def ends_of(calls: list[Any]) -> list[Any]:
    """What each call gave, or the error that it raised; an error that bulkmail does not raise on purpose is raised."""
    tasks = [asyncio.create_task(call) for call in calls]
    await asyncio.wait(tasks)
    for task in tasks:
        assert task.exception() is None or isinstance(task.exception(), BulkmailError), repr(task.exception())
    return [task.exception() or task.result() for task in tasks]


def check(books: dict[str, Any]) -> None:
    assert books["breaches"] == {}
    assert books["early"] == 0
    assert books["most_in_flight_per_mailbox"] <= 4
    assert books["foreign"] == {"requests": {}, "with_token": 0}


def fault(kind: str, match: str, **more: Any) -> Fault:
    return Fault(kind, match=match, seconds=SECONDS.get(kind, 0.0), total=1 if kind in ONCE else 3, **more)


@pytest.mark.parametrize(("kind", "batch"), TROUBLE)
def test_reads_have_their_own_answers(kind: str, batch: int) -> None:
    async def act(desk: Desk) -> None:
        truths = [(await desk.get(desk.user(number) + SETTINGS)).body for number in MAILBOXES]
        async with graphs(desk, batch) as mailboxes:
            for match in (SETTINGS, r"\$batch"):
                desk.sim.world.script.load([fault(kind, match)])
                ends = await ends_of([graph.get(SETTINGS) for graph in mailboxes])
                for truth, end in zip(truths, ends, strict=True):
                    if isinstance(end, Exception):
                        assert kind in AN_ERROR, repr(end)
                        assert isinstance(end, GraphError)
                    else:
                        assert {**end, **truth} == end, "and nothing but what the fault adds"

    check(rehearse(act, mailboxes=len(MAILBOXES)))


@pytest.mark.parametrize(("kind", "batch"), TROUBLE)
def test_a_write_that_cannot_be_repeated_is_made_once_or_ends_as_unknown(kind: str, batch: int) -> None:
    ends: dict[str, Any] = {}

    async def act(desk: Desk) -> None:
        async with graphs(desk, batch) as mailboxes:
            for word, match in (("part", "/contacts"), ("whole", r"\$batch")):
                desk.sim.world.script.load([fault(kind, match)])
                names = [f"{word}-{number}" for number in MAILBOXES]
                wishes = zip(mailboxes, names, strict=True)
                calls = [graph.post("/contacts", {"displayName": name}, effect=Effect.NONE) for graph, name in wishes]
                ends.update(zip(names, await ends_of(calls), strict=True))
            await asyncio.sleep(SECONDS.get(kind, 0.0) if kind == "late" else 0.0)

    books = rehearse(act, mailboxes=len(MAILBOXES))
    check(books)
    done = {effect.rpartition(" ")[2]: times for effect, times in books["effects"].get("all", {}).items()}
    for name, end in ends.items():
        assert done.get(name, 0) <= 1
        if isinstance(end, GraphError):
            assert not done.get(name, 0), "reported as refused"
        elif not isinstance(end, OutcomeUnknown):
            assert done.get(name, 0) == 1, "reported as made"


@pytest.mark.parametrize("batch", [0, 20])
@pytest.mark.parametrize("kind", PAGES)
def test_pages_that_lead_astray(kind: str, batch: int) -> None:
    async def act(desk: Desk) -> None:
        async with graphs(desk, batch) as mailboxes:
            wanted: dict[str, str | int] = {"$top": 5, "$select": "id"}
            calls = [collect(graph.items("/messages", params=wanted)) for graph in mailboxes]
            desk.sim.world.script.load([fault(kind, "/messages", text="https://foreign.example/v1.0/x")])
            ends = await ends_of(calls)
            desk.sim.world.script.load([])
            for number, end in enumerate(ends):
                if isinstance(end, Exception):
                    assert isinstance(end, LinkRefused)
                else:
                    assert {row["id"] for row in end} == {
                        row["id"] for row in await desk.pages(f"{desk.user(number)}/messages?$top=5&$select=id")
                    }

    check(rehearse(act, mailboxes=len(MAILBOXES)))
