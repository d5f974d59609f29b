"""bulkmail runs one task against every mailbox of a Microsoft 365 tenant.

What is here is what a task of one's own needs, and its tests; the rest belongs to the program `bulkmail`.

    from bulkmail import Graph, Mailbox, Options, Row, task
"""

__version__ = "0.1.0"

from bulkmail.core.odata import literal, segment
from bulkmail.errors import BulkmailError, GraphError, LinkRefused, OutcomeUnknown, TaskMistake, TransportError
from bulkmail.graph import Graph
from bulkmail.model import Blob, Change, Checkpoint, Effect, Made, Mailbox, Request, Response, Row, Transport
from bulkmail.task.declare import Options, Task, task
from bulkmail.task.permissions import Needs, all_of, any_of

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
