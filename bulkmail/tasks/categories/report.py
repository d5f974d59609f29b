"""Reports the master list of categories of a mailbox, a row for each. One request a mailbox."""

from collections.abc import AsyncIterator

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import Options, task
from bulkmail.tasks.categories.colours import NAMES
from bulkmail.tasks.categories.master import categories_of

COLUMNS = {
    "mailbox": "address as the input gives it",
    "category_id": "the category's id",
    "name": "its name",
    "color": "none, or preset0 to preset24",
    "color_name": "what Outlook calls the colour; empty for none",
}


@task(
    "categories.report",
    summary="The master list of categories of each mailbox: names and colours",
    permission="MailboxSettings.Read",
    columns=COLUMNS,
    key_columns=("category_id",),
)
async def categories_report(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    """A row for each category."""
    del mailbox, options
    for one in await categories_of(graph):
        yield {"category_id": one.id, "name": one.name, "color": one.color, "color_name": NAMES.get(one.color)}
