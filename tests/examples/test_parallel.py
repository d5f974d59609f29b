"""Several requests of one mailbox at the same time, and what happens when one of them fails."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bulkmail import Change, Effect, Graph, GraphError, Mailbox, Options, Request, Response, Row, task
from bulkmail.testing import Scripted, collect, run

BASE = "https://graph.microsoft.com/v1.0"
ADA = Mailbox("ada@contoso.com", 2)


@task("folders.both", summary="Two folders", permission="Mail.ReadBasic.All", columns={"mailbox": "", "messages": ""})
async def both(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    inbox, sent = await graph.gather(graph.get("/mailFolders/inbox"), graph.get("/mailFolders/sentitems"))
    yield {"messages": inbox["totalItemCount"] + sent["totalItemCount"]}


def test_the_results_come_in_the_order_of_the_calls() -> None:
    service = Scripted(lambda request: Response(200, body={"totalItemCount": len(request.path)}))
    assert run(collect(both.run(ADA, Graph.of(ADA, service, BASE), Options()))) == [{"messages": 84}]


def test_a_write_that_has_left_is_awaited_when_another_call_fails() -> None:
    done: list[str] = []

    async def answer(request: Request) -> Response:
        await asyncio.sleep(1 if request.method == "GET" else 5)
        done.append(request.method)
        return Response(404 if request.method == "GET" else 201)

    async def main() -> None:
        graph = Graph.of(ADA, Scripted(answer), BASE)
        draft = graph.post("/messages", {"subject": "x"}, effect=Effect.KEYED, change=Change("draft:x", after={}))
        with pytest.raises(GraphError, match="404"):
            await graph.gather(graph.get("/contactFolders/{}", "gone"), draft)

    run(main())
    assert done == ["GET", "POST"]
