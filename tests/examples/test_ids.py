"""Ids, names and addresses come from mailboxes and lists. They are given after the path, and quoted; in a query option
they are put by `literal`.
"""

from collections.abc import AsyncIterator

import pytest

from bulkmail import Graph, Mailbox, Options, Request, Response, Row, TaskMistake, literal, task
from bulkmail.testing import Scripted, collect, run

BASE = "https://graph.microsoft.com/v1.0"
ADA = Mailbox("ada@contoso.com", 2)


class FolderOptions(Options):
    """Which folder."""

    folder: str


@task(
    "contacts.count",
    summary="Contacts of one folder",
    permission="Contacts.Read",
    columns={"mailbox": "", "contacts": "how many"},
    options=FolderOptions,
)
async def counted(mailbox: Mailbox, graph: Graph, options: FolderOptions) -> AsyncIterator[Row]:
    named = {"$filter": f"displayName eq {literal(options.folder)}"}
    async for folder in graph.items("/contactFolders", params=named):
        contacts = [contact async for contact in graph.items("/contactFolders/{}/contacts", folder["id"])]
        yield {"contacts": len(contacts)}


def answer(request: Request) -> Response:
    if request.path.endswith("/contacts"):
        return Response(200, body={"value": [{}, {}]})
    return Response(200, body={"value": [{"id": "AAMk/x=="}]})  # whatever the service calls it


def test_what_leaves() -> None:
    service = Scripted(answer)
    rows = run(collect(counted.run(ADA, Graph.of(ADA, service, BASE), FolderOptions(folder="O'Neil & Sons"))))
    assert rows == [{"contacts": 2}]
    assert [request.path for request in service.requests] == [
        "/users/ada@contoso.com/contactFolders?$filter=displayName%20eq%20%27O%27%27Neil%20%26%20Sons%27",
        "/users/ada@contoso.com/contactFolders/AAMk%2Fx%3D%3D/contacts",
    ]


def test_an_id_that_is_empty_is_a_mistake() -> None:
    """It would name the list in place of the item."""
    service = Scripted(answer)
    with pytest.raises(TaskMistake, match="not a name"):
        run(Graph.of(ADA, service, BASE).delete("/messages/{}", ""))
    assert service.requests == []
