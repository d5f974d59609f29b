"""The session of an import: one for all that is on its way, renewed once when it is refused."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count

from bulkmail.graph import Graph
from bulkmail.model import Change, Request, Response
from bulkmail.streams import Pieces
from bulkmail.tasks.items.session import Session
from bulkmail.testing import Scripted, run


class Sessions:
    """Gives sessions, and takes items under the latest alone."""

    def __init__(self) -> None:
        self.numbers = count(1)
        self.latest = 0
        self.refused = set[int]()

    async def answer(self, request: Request) -> Response:
        if request.address is None:
            number = next(self.numbers)
            await asyncio.sleep(0)
            self.latest = number
            until = datetime.now(UTC) + timedelta(hours=1)
            url = f"https://outlook.office365.com/import/{number}"
            return Response(201, body={"importUrl": url, "expirationDateTime": until.isoformat()})
        await asyncio.sleep(0)
        if self.latest in self.refused:
            return Response(401, body={"error": {"code": "InvalidSession"}})
        return Response(200, body={"itemId": f"under {self.latest}"})


class Nowhere:
    """Stands for the way to pre-signed addresses, on which nothing is read."""

    def read(self, *_: object, **__: object) -> None:
        raise AssertionError


def test_items_that_leave_together_share_a_session_and_its_renewal() -> None:
    async def act() -> None:
        sessions = Sessions()
        base = "https://graph.microsoft.com/v1.0"
        graph = Graph(Scripted(sessions.answer), base, direct=Nowhere())  # type: ignore[arg-type]
        session = Session(graph, graph)

        async def leave() -> list[str]:
            change = Change("item:1", None, {})
            return [one["itemId"] for one in await graph.gather(*(session.send(body(), change) for _ in range(4)))]

        assert await leave() == ["under 1"] * 4
        sessions.refused.add(1)
        assert await leave() == ["under 2"] * 4

    def body() -> Pieces:
        return Pieces(0, lambda: None)  # type: ignore[arg-type,return-value]

    run(act())
