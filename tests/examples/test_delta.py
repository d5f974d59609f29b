"""What has changed since the last time: the `delta` of a walk goes on where that walk has ended."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bulkmail import Graph, LinkRefused, Mailbox, Options, Request, Response, Row, task
from bulkmail.testing import Scripted, collect, run
from bulkmail.testing.tenant import Tenant

pytest_plugins = ["bulkmail.testing.fixtures"]
BASE = "https://graph.microsoft.com/v1.0"
ADA = Mailbox("ada@contoso.com", 2)
PATH = "/contacts/delta"


@task(
    "contacts.twice",
    summary="Contacts, and those that changed while they were read",
    permission="Contacts.Read",
    columns={"mailbox": "", "contacts": "at first", "changed": "since then"},
)
async def twice(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    first = graph.pages(PATH, headers={"Prefer": "odata.maxpagesize=50"})
    contacts = [contact async for page in first for contact in page]
    second = graph.pages(PATH, since=first.delta)
    changed = [contact async for page in second for contact in page]
    yield {"contacts": len(contacts), "changed": len(changed)}


def test_against_a_tenant(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.run(f"{__file__}:twice", tmp_path, addresses=tenant.addresses(5))
    assert done.code == 0, done.err
    assert sum(row["contacts"] for row in done.rows) > 0
    assert {row["changed"] for row in done.rows} == {0}


def answer(request: Request) -> Response:
    token = "2" if "deltatoken=1" in request.path else "1"
    link = f"{BASE}/users/ada@contoso.com{PATH}?$deltatoken={token}"
    return Response(200, body={"value": [token], "@odata.deltaLink": link})


def test_the_link_is_there_when_the_walk_has_ended() -> None:
    service = Scripted(answer)

    async def main() -> tuple[str, str]:
        graph = Graph.of(ADA, service, BASE)
        first = graph.pages(PATH)
        assert first.delta == ""
        assert await collect(first) == [["1"]]
        second = graph.pages(PATH, since=first.delta)
        assert await collect(second) == [["2"]]
        return first.delta, second.delta

    assert [link[-1] for link in run(main())] == ["1", "2"]
    assert [request.path.partition("?")[2] for request in service.requests] == ["", "$deltatoken=1"]


@pytest.mark.parametrize("host", ["https://evil.example/v1.0/users/ada@contoso.com", f"{BASE}/users/bob@contoso.com"])
def test_a_link_that_leads_elsewhere_is_not_followed_wherever_it_was_kept(host: str) -> None:
    service = Scripted(answer)
    with pytest.raises(LinkRefused):
        run(collect(Graph.of(ADA, service, BASE).pages(PATH, since=f"{host}{PATH}?$deltatoken=1")))
    assert service.requests == []


@pytest.mark.parametrize("host", ["https://evil.example/v1.0/users/ada@contoso.com", f"{BASE}/users/bob@contoso.com"])
def test_nor_is_it_given_to_the_task(host: str) -> None:
    body = {"value": [], "@odata.deltaLink": f"{host}{PATH}?$deltatoken=1"}
    with pytest.raises(LinkRefused):
        run(collect(Graph.of(ADA, Scripted(lambda _: Response(200, body=body)), BASE).pages(PATH)))
