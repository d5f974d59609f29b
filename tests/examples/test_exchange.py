"""The import and export API stands beside the mailbox, below `admin/exchange/mailboxes/{id}`: `await graph.exchange()`
gives it for the same mailbox, within the same limits.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bulkmail import Effect, Graph, LinkRefused, Mailbox, Options, Request, Response, Row, all_of, task
from bulkmail.testing import Scripted, collect, run
from bulkmail.testing.tenant import Tenant

pytest_plugins = ["bulkmail.testing.fixtures"]
BASE = "https://graph.microsoft.com/v1.0"
ADA = Mailbox("ada@contoso.com", 2)


@task(
    "items.largest",
    summary="The folder that holds most, and one of its items as a stream",
    needs=all_of("User.Read.All", "MailboxFolder.Read.All", "MailboxItem.ImportExport.All"),
    columns={"mailbox": "", "folder": "its name", "items": "how many", "exported": "characters of the stream"},
)
async def largest(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    exchange = await graph.exchange()
    folders = [folder async for folder in exchange.items("/folders", params={"$top": 2})]
    folder = max(folders, key=lambda one: int(one["totalItemCount"]))
    async for item in exchange.items("/folders/{}/items", folder["id"], params={"$top": 1}):
        answer = await exchange.post("/exportItems", {"itemIds": [item["id"]]}, effect=Effect.READ)
        exported = len(answer["value"][0]["data"])
        yield {"folder": folder["displayName"], "items": folder["totalItemCount"], "exported": exported}
        return


def test_against_a_tenant(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.run(f"{__file__}:largest", tmp_path, addresses=tenant.addresses(3))
    assert done.code == 0, done.err
    assert len(done.rows) == 3
    assert all(row["items"] > 0 and row["exported"] > 0 for row in done.rows)
    assert not tenant.books()["breaches"]


def scripted(link: str) -> Scripted:
    def answer(request: Request) -> Response:
        if request.path.endswith("/settings/exchange"):
            return Response(200, body={"primaryMailboxId": "MBX:1@2"})
        return Response(200, body={"value": [1], **({} if "skip" in request.path else {"@odata.nextLink": link})})

    return Scripted(answer)


async def walk(graph: Graph) -> list[int]:
    return await collect((await graph.exchange()).items("/folders"))


def test_its_requests_stand_in_the_lane_of_the_mailbox() -> None:
    service = scripted(f"{BASE}/admin/exchange/mailboxes/mbx%3A1@2/folders?$skip=1")
    assert run(walk(Graph.of(ADA, service, BASE))) == [1, 1]
    assert [request.path for request in service.requests] == [
        "/users/ada@contoso.com/settings/exchange",
        "/admin/exchange/mailboxes/MBX%3A1@2/folders",
        "/admin/exchange/mailboxes/mbx%3A1@2/folders?$skip=1",
    ]
    assert {request.lane for request in service.requests} == {ADA.key}


@pytest.mark.parametrize(
    "path",
    [
        "/admin/exchange/mailboxes/MBX%3A9@2/folders?$skip=1",  # another one
        "/users/11111111-2222-3333-4444-555555555555/messages?$skip=1",
        "/users/ada@contoso.com/messages?$skip=1",  # the same one, and not what was asked for
        "/admin/exchange/mailboxes/MBX%3A1@2/../MBX%3A9@2/folders?$skip=1",
        "/admin/exchange/mailboxes?$skip=1",
    ],
)
def test_a_next_page_is_followed_below_the_same_mailbox_only(path: str) -> None:
    service = scripted(BASE + path)
    with pytest.raises(LinkRefused):
        run(walk(Graph.of(ADA, service, BASE)))
    assert len(service.requests) == 2
