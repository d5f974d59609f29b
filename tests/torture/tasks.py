"""Tasks that make one write and are easy to judge: one that leaves no trace to look for, and one with a key."""

from collections.abc import AsyncIterator

from bulkmail.core.odata import literal
from bulkmail.graph import Graph
from bulkmail.model import Change, Mailbox, Row
from bulkmail.tasks import Options, task

PROPERTY = "String {00020329-0000-0000-c000-000000000046} Name bulkmail-torture"
COLUMNS = {"mailbox": "address", "subject": "what was written"}


@task("torture.direct", summary="Sends one message, unseen", permission="Mail.Send", columns=COLUMNS, writes=True)
async def direct(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    subject = f"direct {mailbox.address}"
    message = {
        "subject": subject,
        "body": {"contentType": "text", "content": "Hello"},
        "toRecipients": [{"emailAddress": {"address": "somebody@contoso.example"}}],
    }
    await graph.post("/sendMail", {"message": message}, change=Change("sent", None, {"subject": subject}))
    yield {"subject": subject}


@task("torture.keyed", summary="Makes one contact", permission="Contacts.ReadWrite", columns=COLUMNS, writes=True)
async def keyed(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    key = f"key of {mailbox.address}"
    wanted = f"singleValueExtendedProperties/Any(ep: ep/id eq '{PROPERTY}' and ep/value eq {literal(key)})"

    async def find() -> Row | None:
        found: list[Row] = (await graph.get("/contacts", params={"$filter": wanted}))["value"]
        return found[0] if found else None

    if await find() is None:
        body = {"givenName": "Ada", "singleValueExtendedProperties": [{"id": PROPERTY, "value": key}]}
        await graph.create("/contacts", body, change=Change(f"contact:{key}", None, {"givenName": "Ada"}), find=find)
    yield {"subject": key}
