"""bulkmail runs one task against every mailbox of a Microsoft 365 tenant.

What is here is what a task of one's own needs, and its tests; the rest belongs to the program `bulkmail`.

    from bulkmail import Graph, Mailbox, Options, Row, task
"""

__version__ = "0.1.0"

from bulkmail.errors import BulkmailError, GraphError, LinkRefused, OutcomeUnknown, TransportError
from bulkmail.graph import Graph
from bulkmail.model import Blob, Change, Checkpoint, Effect, Made, Mailbox, Request, Response, Row, Transport
from bulkmail.task.declare import Options, Task, task

__all__ = [
    "Blob",
    "BulkmailError",
    "Change",
    "Checkpoint",
    "Effect",
    "Graph",
    "GraphError",
    "LinkRefused",
    "Made",
    "Mailbox",
    "Options",
    "OutcomeUnknown",
    "Request",
    "Response",
    "Row",
    "Task",
    "Transport",
    "TransportError",
    "__version__",
    "task",
]
