"""What one mailbox is to send: options, and the letter made of them and the mailbox's own row. Sends nothing.

Texts may hold `{Column}`; in an HTML body cells are escaped, in a subject they are on one line.
"""

from collections.abc import Mapping
from hashlib import sha256
from html import escape
from typing import Any, Literal, NamedTuple

from pydantic import Field, field_validator, model_validator

from bulkmail.errors import InputError
from bulkmail.model import Mailbox
from bulkmail.source.address import clean, is_address, is_id
from bulkmail.task.declare import Options
from bulkmail.tasks.files import AddressFile, TextFile
from bulkmail.tasks.template import fill, has_holes

ITSELF = "{mailbox}"


class MailSendOptions(Options):
    """The letter, from whom and to whom. Every text may hold {Column}, a column of the mailbox's own row."""

    campaign: str = Field(
        min_length=1, max_length=200, description="name of this sending: under one name no mailbox's letter goes twice"
    )
    subject: str = Field(min_length=1, description="subject")
    body: str | None = Field(None, description="text of the letter; or body_file")
    body_file: TextFile | None = Field(None, description="file with the text, relative to the job file")
    content: Literal["text", "html"] = Field("text", description="what the text is; cells are escaped in html")
    sender: str = Field(ITSELF, description="mailbox that sends: each its own, a fixed one, or {Column}")
    to: str = Field(ITSELF, description="recipients, separated by semicolons")
    redirect_to: str | None = Field(None, description="for a test: everything goes to this address instead")
    suppress: AddressFile | None = Field(None, description="file with addresses that never get anything")
    mode: Literal["draft", "direct"] = Field(
        "draft", description="draft: never twice, never lost; direct: one request, needs Mail.Send alone, at most once"
    )
    save_to_sent: bool = Field(default=True, description="keep a copy in Sent Items; false only in direct mode")

    @field_validator("sender", "to", "redirect_to")
    @classmethod
    def _addressed(cls, value: str | None) -> str | None:
        if value is not None and not has_holes(value):
            addresses(value)
        return value

    @model_validator(mode="after")
    def _makes_sense(self) -> "MailSendOptions":
        if (self.body is None) == (self.body_file is None):
            raise ValueError("give either body or body_file")
        if not self.save_to_sent and self.mode == "draft":
            raise ValueError('save_to_sent = false goes with mode = "direct": a sent draft is always kept')
        for name, value in (("sender", self.sender), ("redirect_to", self.redirect_to or ITSELF)):
            if not has_holes(value) and len(addresses(value)) != 1:
                raise ValueError(f"{name} should be one address")
        return self

    @property
    def text(self) -> str:
        return self.body_file.text if self.body_file is not None else self.body or ""


class Letter(NamedTuple):
    """One message. `key` marks it, `to` are those that get it; nobody where all are suppressed."""

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


def addresses(text: str) -> tuple[str, ...]:
    """The addresses in a text. Raises ValueError for anything else, and for none."""
    found = tuple(clean(part) for part in text.replace(",", ";").split(";") if part.strip())
    strange = next((one for one in found if not is_address(one)), "" if found else text)
    if strange or not found:
        raise ValueError(f"{strange[:60]!r} is no address")
    return tuple(dict.fromkeys(found))


def sender_of(mailbox: Mailbox, options: MailSendOptions) -> str:
    """The mailbox that sends, by its address or id. Raises InputError."""
    if options.sender == ITSELF:
        return mailbox.address
    filled = clean(fill(options.sender, mailbox))
    if not is_address(filled) and not is_id(filled):
        raise InputError(f"row {mailbox.row}: sender: {filled[:60]!r} is no address")
    return filled


def letter_for(mailbox: Mailbox, options: MailSendOptions) -> Letter:
    """The letter of one mailbox. Raises InputError for a column that is not there, and a recipient that is none."""
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
    """The same for the same letter, whenever it is asked for; another one for a test that is redirected."""
    parts = [campaign, mailbox.casefold(), *sorted(one.casefold() for one in recipients), "", *redirected]
    return sha256("\0".join(parts).encode()).hexdigest()[:32]
