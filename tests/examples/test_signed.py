"""Addresses that are secrets: a usage report that is redirected to, and an item that is imported.

`graph.location` gives the address of a redirect; other answers name theirs, such as `importUrl`. `graph.direct` reads
what lies there and sends to it, without a token and only on hosts that the cloud lists.
"""

import csv
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from bulkmail import (
    Change,
    Effect,
    Graph,
    GraphError,
    Mailbox,
    Options,
    Request,
    Response,
    Row,
    TaskMistake,
    all_of,
    task,
)
from bulkmail.address import Address
from bulkmail.testing import Scripted, collect, run
from bulkmail.testing.tenant import Done, Tenant

pytest_plugins = ["bulkmail.testing.fixtures"]
BASE = "https://graph.microsoft.com/v1.0"
ADA = Mailbox("ada@contoso.com", 2)
REPORT = "/reports/getMailboxUsageDetail(period='D7')"
LARGEST = 512 * 1024 * 1024  # bytes of a report: half a kilobyte a mailbox, and a million of them


class SizeOptions(Options):
    """What the report says is asked once, before the first mailbox."""

    sizes: dict[str, int] = Field(default_factory=dict, description="bytes of mailboxes; asked without it")


async def with_sizes(graph: Graph, options: Any) -> Any:
    """The options with the size of each mailbox, by its address, as the tenant's usage report has it."""
    address = await graph.location(REPORT)
    content = b"".join([chunk async for chunk in graph.direct.read(address, most=LARGEST)])
    lines = csv.DictReader(content.decode("utf-8-sig").splitlines())
    sizes = {line["User Principal Name"].casefold(): int(line["Storage Used (Byte)"]) for line in lines}
    return options.model_copy(update={"sizes": sizes})


@task(
    "mailbox.size",
    summary="The size of each mailbox, by one request for all of them",
    permission="Reports.Read.All",
    options=SizeOptions,
    once=with_sizes,
    columns={"mailbox": "", "bytes": "as of two days ago; empty where the report does not have the mailbox"},
)
async def size(mailbox: Mailbox, graph: Graph, options: SizeOptions) -> AsyncIterator[Row]:
    yield {"bytes": options.sizes.get(mailbox.address.casefold())}


@task(
    "items.double",
    summary="A second one of an item",
    needs=all_of("User.Read.All", "MailboxFolder.Read.All", "MailboxItem.ImportExport.All"),
    columns={"mailbox": "", "item": "its id", "copy": "the id of the second one; empty where it is only planned"},
    writes=True,
)
async def double(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    exchange = await graph.exchange()
    folders = [folder async for folder in exchange.items("/folders", params={"$top": 50})]
    folder = max(folders, key=lambda one: int(one["totalItemCount"]))
    item = await anext(exchange.items("/folders/{}/items", folder["id"], params={"$top": 1}))
    exported = await exchange.post("/exportItems", {"itemIds": [item["id"]]}, effect=Effect.READ)
    wish = {"FolderId": folder["id"], "Mode": "create", "Data": exported["value"][0]["data"]}

    change = Change(f"copy:{item['id']}", after={"folder": folder["displayName"]})
    session = await exchange.post("/createImportSession", effect=Effect.IDEMPOTENT, change=change)
    made = await exchange.direct.send(
        "POST",
        session and session["importUrl"],  # a run that only plans makes no session
        json.dumps(wish).encode(),
        change=change._replace(further=True),
        headers={"Content-Type": "application/json"},
    )
    yield {"item": item["id"], "copy": made and made["itemId"]}


def assert_nothing_leaked(done: Done, tenant: Tenant) -> None:
    """No token came to an address, and no address is in a file of the run or in what it said."""
    assert tenant.books()["links_leaked"] == 0
    written = b"".join(path.read_bytes() for path in done.folder.rglob("*") if path.is_file())
    for word in (b"authtoken", b"_reports/", tenant.simulator.signed_url.encode()):
        assert word not in written + done.err.encode()


def test_a_report_is_read_where_the_service_redirects_to(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.run(f"{__file__}:size", tmp_path)
    assert done.code == 0, done.err
    assert len(done.rows) == 50
    assert all(row["bytes"] > 0 for row in done.rows)
    assert_nothing_leaked(done, tenant)


def test_an_item_is_imported_at_the_address_of_its_session(tenant: Tenant, tmp_path: Path) -> None:
    addresses = tenant.addresses(2)
    before = len(tenant.contents("messages", addresses[0]))
    planned = tenant.run(f"{__file__}:double", tmp_path / "plan", addresses=addresses)
    assert planned.code == 0, planned.err
    assert [row["copy"] for row in planned.rows] == [None, None]
    assert len(tenant.contents("messages", addresses[0])) == before
    applied = tenant.run(f"{__file__}:double", tmp_path / "apply", addresses=addresses, settings={"task.apply": True})
    assert applied.code == 0, applied.err
    assert all(row["copy"] and row["copy"] != row["item"] for row in applied.rows)
    assert len(tenant.contents("messages", addresses[0])) == before + 1
    for done in (planned, applied):
        assert done.lines("changes.ndjson")
        assert_nothing_leaked(done, tenant)


def test_an_address_shows_in_no_text_and_in_no_row() -> None:
    service = Scripted(lambda _: Response(302, {"location": "https://reports.office.com/data/S3cret"}))
    address = run(Graph(service, BASE).location(REPORT))
    assert isinstance(address, Address)
    assert address.reveal() == "https://reports.office.com/data/S3cret"
    assert "S3cret" not in f"{address} {address!r} {[address]}"
    with pytest.raises(TypeError):
        json.dumps({"address": address})
    assert not service.requests[0].batchable


@pytest.mark.parametrize(
    "answer", [Response(200, body={}), Response(302), Response(307, {"location": "/x"}), Response(404)]
)
def test_another_answer_is_not_an_address(answer: Response) -> None:
    with pytest.raises(GraphError):
        run(Graph(Scripted(lambda _: answer), BASE).location(REPORT))


def test_a_redirect_is_an_error_to_all_other_verbs() -> None:
    graph = Graph.of(ADA, Scripted(lambda _: Response(302, {"location": "https://x.example/S3cret"})), BASE)
    with pytest.raises(GraphError, match="RedirectRefused") as raised:
        run(graph.get("/x"))
    assert "S3cret" not in str(raised.value)


class Shelf:
    """Stands for the hosts: has some content at every address."""

    async def read(self, address: Address, /, *, most: int, start: int = 0) -> AsyncIterator[bytes]:
        yield f"{address.reveal()} {most} {start}".encode()


def test_a_task_is_driven_without_a_network() -> None:
    def answer(request: Request) -> Response:
        assert request.address is not None
        assert (request.address.reveal(), request.content, request.path) == ("https://a/b", b"abc", "/pre-signed")
        return Response(201, body={"id": "1"})

    async def main() -> tuple[Any, list[bytes]]:
        direct = Graph.of(ADA, Scripted(answer), BASE, direct=Shelf()).direct
        return await direct.send("PUT", "https://a/b", b"abc"), await collect(
            direct.read("https://a/b", most=9, start=2)
        )

    assert run(main()) == ({"id": "1"}, [b"https://a/b 9 2"])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda direct: direct.send("PUT", None, b""),
        lambda direct: direct.send("PUT", "", b""),
        lambda direct: direct.send("TRACE", "https://a/b", b""),
        lambda direct: direct.send("PUT", "https://a/b", {"a": 1}),
        lambda direct: direct.send("PUT", "https://a/b", b"", headers={"Authorization": "Bearer x"}),
        lambda direct: direct.send("PUT", "https://a/b", b"", change="x"),
        lambda direct: direct.read(None, most=1),
    ],
)
def test_what_cannot_be_sent_is_the_tasks_mistake(wrong: Any) -> None:
    service = Scripted(lambda _: Response(200))

    async def main() -> None:
        await wrong(Graph.of(ADA, service, BASE, direct=Shelf()).direct)

    with pytest.raises(TaskMistake):
        run(main())
    assert service.requests == []


def test_a_graph_without_a_way_says_so() -> None:
    with pytest.raises(TaskMistake, match="direct="):
        Graph.of(ADA, Scripted(lambda _: Response(200)), BASE).direct  # noqa: B018
