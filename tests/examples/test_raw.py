"""What is not JSON: the MIME of a message is read as bytes, and written as bytes."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

from bulkmail import Change, Graph, Mailbox, Options, Request, Response, Row, task
from bulkmail.testing import Scripted, collect, run
from bulkmail.testing.tenant import Tenant

pytest_plugins = ["bulkmail.testing.fixtures"]
BASE = "https://graph.microsoft.com/v1.0"
ADA = Mailbox("ada@contoso.com", 2)


@task(
    "mail.digest",
    summary="The newest message, as it was sent",
    permission="Mail.Read",
    columns={"mailbox": "", "bytes": "of its MIME", "sha256": "of its MIME"},
)
async def digest(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    async for message in graph.items("/messages", params={"$top": 1, "$select": "id"}):
        mime = await graph.raw("/messages/{}/$value", message["id"])
        yield {"bytes": len(mime), "sha256": sha256(mime).hexdigest()}
        return


def test_against_a_tenant(tenant: Tenant, tmp_path: Path) -> None:
    addresses = tenant.addresses(5)
    plain = tenant.run(f"{__file__}:digest", tmp_path / "plain", addresses=addresses)
    batched = tenant.run(
        f"{__file__}:digest", tmp_path / "batched", addresses=addresses, settings={"limits.batch": True}
    )
    assert (plain.code, batched.code) == (0, 0), plain.err + batched.err
    assert plain.rows
    assert all(row["bytes"] > 0 for row in plain.rows)
    assert sorted(map(str, plain.rows)) == sorted(map(str, batched.rows))


def test_bytes_are_written_with_their_content_type() -> None:
    def answer(request: Request) -> Response:
        assert request.content == b"\x89PNG"
        return Response(204)

    graph = Graph.of(ADA, Scripted(answer), BASE)
    headers = {"Content-Type": "image/png"}
    run(graph.put("/photo/$value", b"\x89PNG", headers=headers, change=Change("photo", after={"bytes": 4})))


def test_an_answer_without_a_body_is_no_bytes() -> None:
    assert run(Graph.of(ADA, Scripted(lambda _: Response(200)), BASE).raw("/photo/$value")) == b""


def test_a_row_of_each_message() -> None:
    def answer(request: Request) -> Response:
        return Response(200, body=b"MIME" if request.raw else {"value": [{"id": "1"}, {"id": "2"}]})

    (row,) = run(collect(digest.run(ADA, Graph.of(ADA, Scripted(answer), BASE), Options())))
    assert row["bytes"] == 4
