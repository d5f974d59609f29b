"""Which permissions a task needs, where that differs by its options, and what an application lacks."""

from collections.abc import AsyncIterator
from typing import Literal

from bulkmail import Graph, Mailbox, Needs, Options, Row, all_of, any_of, task


class CopyOptions(Options):
    """Whether the copies are only counted."""

    mode: Literal["count", "copy"] = "count"


def needs(options: CopyOptions) -> Needs:
    items = any_of("MailboxItem.Export.All", "MailboxItem.ImportExport.All")
    return all_of("User.Read.All", items) if options.mode == "copy" else all_of("Mail.ReadBasic.All")


@task("items.copy", summary="Copies items", needs=needs, options=CopyOptions, columns={"mailbox": ""})
async def copied(mailbox: Mailbox, graph: Graph, options: CopyOptions) -> AsyncIterator[Row]:
    yield {}


def test_in_words() -> None:
    """As `bulkmail tasks` and the hint of a denied run have it."""
    assert copied.permission == "Mail.ReadBasic.All"
    copying = copied.needs(CopyOptions(mode="copy"))
    assert copying.text == "User.Read.All and (MailboxItem.Export.All or MailboxItem.ImportExport.All)"


def test_what_an_application_lacks() -> None:
    copying = copied.needs(CopyOptions(mode="copy"))
    assert copying.missing(["MailboxItem.ImportExport.All"]).text == "User.Read.All"
    assert not copying.missing(["User.ReadWrite.All", "MailboxItem.Export.All"])
