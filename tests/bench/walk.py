"""Tasks for the benchmark that do more than one request a mailbox."""

from collections.abc import AsyncIterator

from pydantic import Field

from bulkmail import Change, Graph, Mailbox, Options, Row, task

COLUMNS = {"mailbox": "address", "messages": "how many were seen"}


class WalkOptions(Options):
    """How the messages are walked through."""

    top: int = Field(10, description="messages a page")
    each: bool = Field(default=False, description="read every message by itself, too")


@task("bench.walk", summary="Counts messages", permission="Mail.Read", options=WalkOptions, columns=COLUMNS)
async def walk(mailbox: Mailbox, graph: Graph, options: WalkOptions) -> AsyncIterator[Row]:
    """Page after page; with `each`, all messages of a page at the same time, as far as the four slots allow."""
    seen = 0
    async for page in graph.pages("/messages", params={"$top": options.top}):
        if options.each:
            await graph.gather(*(graph.get(f"/messages/{message['id']}") for message in page))
        seen += len(page)
    yield {"messages": seen}


@task("bench.keyed", summary="Makes one thing", permission="Contacts.ReadWrite", columns=COLUMNS, writes=True)
async def keyed(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    """A write with a key; the server takes everything. Its intent is on the disk before it leaves."""

    async def find() -> None:
        raise AssertionError("no answer is lost here")

    body = {"displayName": "Fern Dale", "businessPhones": ["+1 555 0100"]}
    await graph.create("/contacts", body, change=Change("contact:1", None, body), find=find)
    yield {"messages": 1}
