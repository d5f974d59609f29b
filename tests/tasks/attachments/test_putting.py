"""How a large file goes back into its message."""

from collections.abc import AsyncIterator
from pathlib import Path

from bulkmail.address import Address
from bulkmail.graph import Graph
from bulkmail.model import Change, Effect, Mailbox, Request, Response
from bulkmail.tasks.attachments.listing import Attachment
from bulkmail.tasks.attachments.options import Saved
from bulkmail.tasks.attachments.putting import RANGE, SMALL, Lost, put_back
from bulkmail.testing import Scripted, run

ADA = Mailbox("ada@contoso.com", 2)


class Nowhere:
    """Reads nothing: what is sent to a pre-signed address is seen by the transport."""

    async def read(self, address: Address, /, *, most: int, start: int = 0) -> AsyncIterator[bytes]:
        for _ in range(0):
            yield repr((address, most, start)).encode()


def test_the_last_range_is_the_one_that_must_settle(tmp_path: Path) -> None:
    """It makes the attachment: looked for too soon after a lost answer, it would be put there twice."""
    bytes_ = SMALL + RANGE + 1
    (tmp_path / "file").write_bytes(b"x" * bytes_)

    def answer(request: Request) -> Response:
        session = request.path.endswith("createUploadSession")
        return Response(201, body={"uploadUrl": "https://outlook.example/upload"} if session else {})

    service = Scripted(answer)
    lost = Lost(
        Saved("M", "A", bytes_, "file", 0, bytes_, "0" * 64),
        Attachment("A", "plan.pdf", "#microsoft.graph.fileAttachment", "application/pdf", "", False, bytes_), 0,
    )  # fmt: skip
    graph = Graph.of(ADA, service, "https://graph.example/v1.0", direct=Nowhere())
    run(put_back(graph, tmp_path, lost, Change("attachment:A", None, {})))
    *ranges, last = [request.effect for request in service.requests if request.address is not None]
    assert set(ranges) == {Effect.IDEMPOTENT}
    assert last is Effect.KEYED
