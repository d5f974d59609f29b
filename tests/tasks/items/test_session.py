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
        self.life = timedelta(hours=1)

    async def answer(self, request: Request) -> Response:
        if request.address is None:
            number = next(self.numbers)
            await asyncio.sleep(0)
            self.latest = number
            until = datetime.now(UTC) + self.life
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


def graph_of(sessions: Sessions) -> Graph:
    base = "https://graph.microsoft.com/v1.0"
    return Graph(Scripted(sessions.answer), base, direct=Nowhere())  # type: ignore[arg-type]


async def sent(session: Session) -> str:
    body = Pieces(0, lambda: None)  # type: ignore[arg-type,return-value]
    answer = await session.send(body, Change("item:1", None, {}))
    return str(answer["itemId"])


def test_items_that_leave_together_share_a_session_and_its_renewal() -> None:
    async def act() -> None:
        sessions = Sessions()
        graph = graph_of(sessions)
        session = Session(graph, graph)
        assert await graph.gather(*(sent(session) for _ in range(4))) == ["under 1"] * 4
        sessions.refused.add(1)
        assert await graph.gather(*(sent(session) for _ in range(4))) == ["under 2"] * 4

    run(act())


def test_a_session_is_renewed_before_its_time_is_over() -> None:
    """One that has ended already is never used twice, and no item meets a refusal."""

    async def act() -> None:
        sessions = Sessions()
        sessions.life = timedelta(seconds=-1)
        graph = graph_of(sessions)
        session = Session(graph, graph)
        assert [await sent(session) for _ in range(3)] == ["under 1", "under 2", "under 3"]

    run(act())
