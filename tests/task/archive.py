"""A task that uses all there is for long mailboxes: it archives contacts, page by page, and only what is new."""

from collections.abc import AsyncIterator

from bulkmail import Checkpoint, Graph, Mailbox, Options, Row, task

COLUMNS = {
    "mailbox": "address as the input gives it",
    "name": "display name",
    "path": "file in the run directory",
    "offset": "where the contact begins in it",
    "bytes": "how long it is",
    "sha256": "digest of these bytes",
}


class ArchiveOptions(Options):
    page: int = 2


@task(
    "contacts.archive",
    summary="Each contact as a vCard, in one file a mailbox",
    permission="Contacts.Read",
    columns=COLUMNS,
    options=ArchiveOptions,
    keeps_state=True,
)
async def archive(mailbox: Mailbox, graph: Graph, options: ArchiveOptions) -> AsyncIterator[Row]:
    """One row a contact. A mailbox that was archived before goes on behind what it had then."""
    done = graph.checkpoint.get("done", graph.state.get("done", 0))
    while contacts := (await graph.get("/contacts", params={"$top": options.page, "$skip": done}))["value"]:
        for contact in contacts:
            async with graph.blob("contacts.vcf") as file:
                await file.write(b"BEGIN:VCARD\r\n")
                await file.write(f"FN:{contact['displayName']}\r\nEND:VCARD\r\n".encode())
            yield {"name": contact["displayName"], **file.blob._asdict()}
        done += len(contacts)
        yield Checkpoint(done=done)  # the rows and vCards so far are on the disk, whatever happens now
    graph.state["done"] = done
