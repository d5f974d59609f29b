"""Sends each mailbox's letter: never twice, and in draft mode never lost.

In draft mode the letter is laid into the sender's Drafts with its key and then sent by its id: after a lost answer or a
killed run, what has become of it can be seen. It takes Mail.ReadWrite and Mail.Send. In direct mode one request does it
all and leaves nothing to look for: a lost answer is told as unknown and never repeated. It takes Mail.Send alone.
Sent mail cannot be taken back.
"""

from collections.abc import AsyncIterator

from bulkmail.graph import Graph
from bulkmail.model import Change, Effect, Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.task.permissions import Needs, all_of
from bulkmail.tasks.mail.letter import Letter, letter_for, sender_of
from bulkmail.tasks.mail.options import ITSELF, MailSendOptions
from bulkmail.tasks.mail.outbox import Outbox, marked, was_sent

COLUMNS = {
    "mailbox": "address as the input gives it",
    "sender": "mailbox that sends",
    "to": "who gets it; separated by semicolons in CSV",
    "subject": "subject as it goes out",
    "action": "send; already (it was sent before, under this campaign), or suppressed",
    "key": "what the message is marked with",
    "state": "planned or done; empty where nothing is sent",
}


def target(mailbox: Mailbox, options: MailSendOptions) -> str:
    """The sender's mailbox; empty for the mailbox itself. Raises InputError."""
    sender = "" if options.sender == ITSELF else sender_of(mailbox, options)
    return "" if sender.casefold() == mailbox.address.casefold() else sender


def needs(options: MailSendOptions) -> Needs:
    """Direct mode needs no access to the mailbox's content."""
    return all_of("Mail.Send") if options.mode == "direct" else all_of("Mail.ReadWrite", "Mail.Send")


@task(
    "mail.send",
    summary="Sends a message for each mailbox, filled in from its row; draft mode: never twice, never lost",
    needs=needs,
    options=MailSendOptions,
    columns=COLUMNS,
    key_columns=(),
    writes=True,
    target=target,
    wants_columns=True,
)
async def mail_send(mailbox: Mailbox, graph: Graph, options: MailSendOptions) -> AsyncIterator[Row]:
    """One row a mailbox."""
    letter = letter_for(mailbox, options)
    send = _send_draft if options.mode == "draft" else _send_directly
    action = await send(graph, letter, options) if letter.to else "suppressed"
    yield {
        "sender": letter.sender,
        "to": list(letter.to),
        "subject": letter.subject,
        "action": action,
        "key": letter.key,
        "state": ("planned" if graph.planning else "done") if action == "send" else None,
    }


async def _send_draft(graph: Graph, letter: Letter, options: MailSendOptions) -> str:
    del options
    outbox = Outbox(graph, letter)
    found = await outbox.find()
    if found is not None and was_sent(found):
        return "send" if outbox.sent_before() else "already"
    await outbox.send(await outbox.draft(found))
    return "send"


async def _send_directly(graph: Graph, letter: Letter, options: MailSendOptions) -> str:
    body = {"message": marked(letter), "saveToSentItems": options.save_to_sent}
    await graph.post(
        "/sendMail", body, effect=Effect.NONE, change=Change(f"message:{letter.key}", None, letter.summary)
    )
    return "send"
