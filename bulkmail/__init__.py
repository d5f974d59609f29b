"""bulkmail runs one task against every mailbox of a Microsoft 365 tenant.

What is here is what a task of one's own needs, and its tests; the rest belongs to the program `bulkmail`.

    from bulkmail import Graph, Mailbox, Options, Row, task
"""

__version__ = "0.1.0"

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bulkmail.address import Address
    from bulkmail.core.odata import literal, segment
    from bulkmail.errors import BulkmailError, GraphError, LinkRefused, OutcomeUnknown, TaskMistake, TransportError
    from bulkmail.graph import Graph
    from bulkmail.model import (
        Change,
        Checkpoint,
        Effect,
        Made,
        Mailbox,
        Request,
        Response,
        Row,
        Transport,
    )
    from bulkmail.streams import Blob
    from bulkmail.task.declare import Options, Task, task
    from bulkmail.task.lasting import Lasting
    from bulkmail.task.permissions import Needs, all_of, any_of

__all__ = [
    "Address",
    "Blob",
    "BulkmailError",
    "Change",
    "Checkpoint",
    "Effect",
    "Graph",
    "GraphError",
    "Lasting",
    "LinkRefused",
    "Made",
    "Mailbox",
    "Needs",
    "Options",
    "OutcomeUnknown",
    "Request",
    "Response",
    "Row",
    "Task",
    "TaskMistake",
    "Transport",
    "TransportError",
    "__version__",
    "all_of",
    "any_of",
    "literal",
    "segment",
    "task",
]

_PLACES = {
    "bulkmail.address": "Address",
    "bulkmail.core.odata": "literal segment",
    "bulkmail.errors": "BulkmailError GraphError LinkRefused OutcomeUnknown TaskMistake TransportError",
    "bulkmail.graph": "Graph",
    "bulkmail.model": "Change Checkpoint Effect Made Mailbox Request Response Row Transport",
    "bulkmail.streams": "Blob",
    "bulkmail.task.declare": "Options Task task",
    "bulkmail.task.lasting": "Lasting",
    "bulkmail.task.permissions": "Needs all_of any_of",
}
"""Where each name is. It is imported when it is asked for: the command line asks for the version alone, and the rest
takes longer than all that `bulkmail --help` does."""


def __getattr__(name: str) -> Any:
    place = next((module for module, names in _PLACES.items() if name in names.split()), "")
    if not place:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(place), name)


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """`bulkmail.task` is the decorator, though a room of that name is below: the import system would put the room into
    its place as soon as anything imports it."""

    @property
    def task(self) -> Any:
        return __getattr__("task")

    @task.setter
    def task(self, room: ModuleType) -> None:
        pass


sys.modules[__name__].__class__ = _Package
