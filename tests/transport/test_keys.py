"""One mailbox is one mailbox, however its name is spelled: slots, fence and budgets are counted together."""

import asyncio
from collections import Counter

import pytest

from bulkmail.core.slots.budget import SENDS
from bulkmail.graph import Graph
from bulkmail.model import Effect, Mailbox, Request, Response
from bulkmail.testing import Tokens, run
from bulkmail.transport import StackSettings, stack
from tests.transport.rig import OK, Unbatching, throttled, together, unheard

BASE = "https://graph.example/v1.0"
ID = "0c8e2b6a-0000-4000-8000-000000000001"
ROWS = [
    Mailbox("Office@contoso.com", 2),
    Mailbox("office@contoso.com", 3, ID),
    Mailbox("OFFICE@CONTOSO.COM", 4),
]


class Office:
    """One mailbox under all its names: how many requests it had at a time, and when each came."""

    def __init__(self, *answers: Response) -> None:
        self._answers = iter(answers)
        self._flying = 0
        self.most = 0
        self.came: list[tuple[float, str]] = []

    async def answer(self, request: Request) -> Response:
        self.came.append((asyncio.get_running_loop().time(), request.path.split("/")[2]))
        self._flying += 1
        self.most = max(self.most, self._flying)
        await asyncio.sleep(0.2)
        self._flying -= 1
        return next(self._answers, OK)


@pytest.mark.parametrize("batch", [0, 20])
def test_spellings_share_the_four_slots_and_their_spelling_leaves(batch: int) -> None:
    async def main() -> None:
        office = Office()
        async with stack(Unbatching(office.answer), Tokens(), StackSettings(batch=batch), unheard) as whole:
            graphs = [Graph.of(row, whole.transport, BASE) for row in ROWS]
            await together(*(graph.get("/x") for graph in graphs * 8))
        assert office.most == 4
        assert set(Counter(name for _, name in office.came)) == {"Office@contoso.com", ID, "OFFICE@CONTOSO.COM"}

    run(main())


def test_a_sender_is_counted_with_its_own_row() -> None:
    async def main() -> None:
        office = Office()
        async with stack(Unbatching(office.answer), Tokens(), StackSettings(), unheard) as whole:
            own = Graph.of(ROWS[1], whole.transport, BASE)
            ada = Graph.of(Mailbox("ada@contoso.com", 9), whole.transport, BASE, target="oFFice@contoso.com")
            await together(*(graph.get("/x") for graph in [own, ada] * 8))
        assert office.most == 4

    run(main())


@pytest.mark.parametrize("batch", [0, 20])
def test_a_fence_holds_all_spellings(batch: int) -> None:
    async def main() -> None:
        office = Office(throttled(60))
        async with stack(Unbatching(office.answer), Tokens(), StackSettings(batch=batch), unheard) as whole:
            graphs = [Graph.of(row, whole.transport, BASE) for row in ROWS]
            first = asyncio.create_task(graphs[0].get("/x"))
            await asyncio.sleep(1)
            await together(*(graph.get("/x") for graph in graphs))
            await first
        assert [at for at, _ in office.came if 0.5 < at < 60] == []

    run(main())


def test_messages_of_a_sender_are_counted_together() -> None:
    async def main() -> None:
        office = Office()
        async with stack(Unbatching(office.answer), Tokens(), StackSettings(), unheard) as whole:
            graphs = [Graph.of(row, whole.transport, BASE) for row in ROWS]
            sends = [graphs[n % 3].post("/sendMail", {}, effect=Effect.NONE) for n in range(SENDS + 3)]
            await together(*sends)
        assert sum(at < 60 for at, _ in office.came) == SENDS

    run(main())
