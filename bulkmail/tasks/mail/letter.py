"""The letter of one mailbox, made of the options and the mailbox's own row. Sends nothing.

In an HTML body cells are escaped, in a subject they are on one line.
"""

from collections.abc import Mapping
from hashlib import sha256
from html import escape
from typing import Any, Literal, NamedTuple

from bulkmail.errors import InputError
from bulkmail.model import Mailbox
from bulkmail.source.address import clean, id_in, is_address
from bulkmail.tasks.kit.template import fill
from bulkmail.tasks.mail.options import ITSELF, MailSendOptions, addresses


class Letter(NamedTuple):
    """One message. `key` marks it, `to` are its recipients, none where all are suppressed."""

    key: str
    sender: str
    to: tuple[str, ...]
    subject: str
    content: Literal["text", "html"]
    text: str

    @property
    def message(self) -> dict[str, Any]:
        """As the service takes it."""
        return {
            "subject": self.subject,
            "body": {"contentType": self.content, "content": self.text},
            "toRecipients": [{"emailAddress": {"address": address}} for address in self.to],
        }

    @property
    def summary(self) -> Mapping[str, Any]:
        """What the ledger has of it."""
        return {"to": list(self.to), "subject": self.subject}


def sender_of(mailbox: Mailbox, options: MailSendOptions) -> str:
    """The mailbox that sends, by its address or id. Raises InputError."""
    if options.sender == ITSELF:
        return mailbox.address
    filled = clean(fill(options.sender, mailbox))
    found = filled if is_address(filled) else id_in(filled)
    if not found:
        raise InputError(f"row {mailbox.row}: sender: {filled[:60]!r} is not an address")
    return found


def letter_for(mailbox: Mailbox, options: MailSendOptions) -> Letter:
    """The letter of one mailbox. Raises InputError for a column that is not there, and for a
    recipient that is not an address."""
    try:
        recipients = addresses(fill(options.to, mailbox))
        redirected = addresses(fill(options.redirect_to, mailbox)) if options.redirect_to else ()
    except ValueError as error:
        raise InputError(f"row {mailbox.row}: to: {error}") from None
    suppressed = options.suppress.addresses if options.suppress is not None else frozenset()
    left = tuple(address for address in recipients if address.casefold() not in suppressed)
    return Letter(
        key=key_of(options.campaign, mailbox.address, recipients, redirected),
        sender=sender_of(mailbox, options),
        to=redirected if left and redirected else left,
        subject=" ".join(fill(options.subject, mailbox).split()),
        content=options.content,
        text=fill(options.text, mailbox, escape if options.content == "html" else str),
    )


def key_of(campaign: str, mailbox: str, recipients: tuple[str, ...], redirected: tuple[str, ...] = ()) -> str:
    """The same for the same letter in every run; a different one for a test that is redirected."""
    parts = [campaign, mailbox.casefold(), *sorted(one.casefold() for one in recipients), "", *redirected]
    return sha256("\0".join(parts).encode()).hexdigest()[:32]
