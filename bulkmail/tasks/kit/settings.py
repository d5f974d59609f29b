"""The settings of a mailbox, read once for all parts of a task that need them."""

from collections.abc import Coroutine
from functools import partial
from typing import Any

from bulkmail.graph import Graph
from bulkmail.tasks.kit import expect

PATH = "/mailboxSettings"
SETTINGS = "settings"
"""What they are shared by."""


def settings_of(graph: Graph) -> Coroutine[Any, Any, Any]:
    """As the service has them."""
    return graph.shared.get(SETTINGS, partial(graph.get, PATH))


async def archive_of(graph: Graph) -> str:
    """The id of the folder to which Outlook archives, as the settings tell it; empty where they name none."""
    return expect.text(expect.an_object(await settings_of(graph), "settings"), "archiveFolder")
