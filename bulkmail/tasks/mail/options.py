"""What a job wants each mailbox to send: the options of mail.send. Every text may hold `{Column}`. Sends nothing."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator, model_validator

from bulkmail.source.address import is_address, parts
from bulkmail.task.declare import Options
from bulkmail.tasks.kit.files import AddressFile, TextFile
from bulkmail.tasks.kit.template import checked, has_holes

ITSELF = "{mailbox}"


class MailSendOptions(Options):
    """The letter, from whom and to whom. Every text may hold {Column}, a column of the mailbox's own row."""

    campaign: str = Field(
        min_length=1, max_length=200, description="name of this sending: under one name no mailbox's message goes twice"
    )
    subject: str = Field(min_length=1, description="subject")
    body: str | None = Field(None, description="text of the message; or body_file")
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
        if self.body_file is None or self.body_file.known:  # a pinned file is read when the run needs it
            for name, text in self.templates().items():
                try:
                    checked(text)
                except ValueError as error:
                    raise ValueError(f"{name} {error}; write {{{{Name}}}} where braces are meant") from None
        if not self.save_to_sent and self.mode == "draft":
            raise ValueError('save_to_sent = false goes with mode = "direct": a sent draft is always kept')
        for name, value in (("sender", self.sender), ("redirect_to", self.redirect_to or ITSELF)):
            if not has_holes(value) and len(addresses(value)) != 1:
                raise ValueError(f"{name} should be one address")
        return self

    def templates(self) -> Mapping[str, str]:
        """All texts of the message."""
        body = "body_file" if self.body_file is not None else "body"
        return {
            "subject": self.subject, body: self.text, "sender": self.sender, "to": self.to,
            "redirect_to": self.redirect_to or "",
        }  # fmt: skip

    @property
    def text(self) -> str:
        return self.body_file.text if self.body_file is not None else self.body or ""


def addresses(text: str) -> tuple[str, ...]:
    """The addresses in a text, as a mail program writes several. Raises ValueError for anything else, and for none."""
    found = tuple(parts(text))
    strange = next((one for one in found if not is_address(one)), "" if found else text)
    if strange or not found:
        raise ValueError(f"{strange[:60]!r} is not an address")
    return tuple(dict.fromkeys(found))
