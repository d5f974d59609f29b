"""Messages as the service lists them, the task run against a scripted service that filters nothing, and what the
simulator's own books say of a mailbox."""

from collections.abc import Mapping, Sequence
from typing import Any

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Request, Response, Row
from bulkmail.sim.families.messages.kind import MESSAGE
from bulkmail.tasks import check_options
from bulkmail.tasks.messages.find import messages_find
from bulkmail.testing import Scripted, collect, run
from tests.tasks.rig import Bench

ADA = Mailbox("ada@contoso.com", 2)
CALM: dict[str, Any] = {"mailboxes": 20}
BOX = 3
"""The number of a mailbox with some newsletters in several folders."""

BASE = "https://graph.example/v1.0"


def message(id_: str = "1", **changed: Any) -> dict[str, Any]:
    return {
        "id": id_, "parentFolderId": "F", "subject": "Invoice", "isRead": False, "hasAttachments": False,
        "receivedDateTime": "2026-11-20T08:00:00Z", "internetMessageId": "<1@fabrikam.example>",
        "from": {"emailAddress": {"name": "B", "address": "billing@fabrikam.example"}}, **changed,
    }  # fmt: skip


class Shelf:
    """Answers listings with these messages, whatever the filter says, and the walk of folders with one folder."""

    def __init__(self, *messages: Any, folder: str = "Inbox") -> None:
        self.messages: Sequence[Any] = messages
        self.folder = folder
        self.asked: list[str] = []

    def __call__(self, request: Request) -> Response:
        self.asked.append(request.path)
        if "/mailFolders/delta" in request.path:
            return Response(200, body={"value": [{"id": "F", "displayName": self.folder, "parentFolderId": "R"}]})
        return Response(200, body={"value": list(self.messages)})


def rows(answer: Any, **options: Any) -> list[Row]:
    graph = Graph.of(ADA, Scripted(answer), BASE)
    checked: Any = check_options(messages_find, options)
    return run(collect(messages_find.run(ADA, graph, checked)))


def body(*values: Mapping[str, Any]) -> Response:
    return Response(200, body={"value": list(values)})


def held(bench: Bench, number: int = BOX) -> dict[str, dict[str, Any]]:
    """The messages of a mailbox by their immutable ids."""
    rows = bench.desk.sim.contents("messages", bench.desk.sim.tenant.address(number))
    return {row["immutableId"]: row for row in rows}


def where(bench: Bench, number: int = BOX) -> dict[str, int]:
    """The folder of each message, by its immutable id."""
    return {id_: row["parent"] for id_, row in held(bench, number).items()}


def put(bench: Bench, subject: str, folder: int, number: int = BOX, **props: Any) -> str:
    """Lays a message into a folder; returns its immutable id."""
    store = MESSAGE.of(bench.desk.sim.world.mailboxes.write(number))
    like = next(iter(store)).props
    return store.id_of(store.add({**like, "subject": subject, **props}, folder), immutable=True)
