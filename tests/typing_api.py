"""A plugin author's file. It is never run: mypy reads it, and what is wrong here is wrong in the public face."""

from collections.abc import AsyncIterator

from pydantic import Field

from bulkmail import Effect, Graph, GraphError, Mailbox, Options, Request, Response, Row, Task, Transport, task
from bulkmail.testing import Scripted, Stepper, collect, run


class RuleOptions(Options):
    """Which rules are told."""

    outside_of: str = Field(description="domain whose addresses are inside")
    most: int = Field(100, ge=1, description="rules of a mailbox that are read")


@task(
    "rules.forwarding",
    summary="Rules that forward to somebody outside",
    permission="MailboxSettings.Read",
    options=RuleOptions,
    columns={"mailbox": "address", "rule": "its name", "to": "the address outside"},
)
async def forwarding(mailbox: Mailbox, graph: Graph, options: RuleOptions) -> AsyncIterator[Row]:
    async for rule in graph.items("/mailFolders/inbox/messageRules", params={"$top": options.most}):
        for recipient in rule["actions"].get("forwardTo", []):
            yield {"rule": rule["displayName"], "to": recipient["emailAddress"]["address"]}


@task("folders.both", summary="Two folders at a time", permission="Mail.ReadBasic.All", columns={"count": "messages"})
async def both(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    inbox, sent = await graph.gather(graph.get("/mailFolders/inbox"), graph.get("/mailFolders/sentitems"))
    yield {"count": inbox["totalItemCount"] + sent["totalItemCount"]}


@task("drafts.make", summary="A draft", permission="Mail.ReadWrite", columns={"id": "of the draft"}, writes=True)
async def draft(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    try:
        made = await graph.post("/messages", {"subject": mailbox.columns.get("subject", "")}, effect=Effect.KEYED)
    except GraphError as error:
        yield {"id": f"{error.status} {error.code}"}
    else:
        yield {"id": made["id"]}


def declared() -> tuple[Task, ...]:
    return forwarding, both, draft


def answer(request: Request) -> Response:
    return Response(200, body={"value": [], "path": request.path})


def test_of_the_author() -> list[Row]:
    service: Transport = Scripted(answer)
    graph = Graph.of(Mailbox("ada@example.com", 2), service, "https://graph.microsoft.com/v1.0")
    mailbox, options = Mailbox("ada@example.com", 2), RuleOptions(outside_of="example.com")
    return run(collect(forwarding.run(mailbox, graph, options)))


def test_by_hand() -> Request | None:
    return Stepper(stepped).step()


async def stepped(transport: Transport) -> AsyncIterator[Row]:
    graph = Graph.of(Mailbox("ada@example.com", 2), transport, "https://graph.microsoft.com/v1.0")
    yield {"zone": await graph.get("/mailboxSettings/timeZone")}
