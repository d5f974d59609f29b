"""Says how a mailbox ended that has met an error, and logs the first accidents of the task: the rest will be the
same."""

import logging

from bulkmail.errors import BulkmailError, GraphError, TransportError
from bulkmail.model import Mailbox, Problem, Status
from bulkmail.run.verdict import verdict
from bulkmail.task.mistakes import place_in
from bulkmail.tasks import Task

log = logging.getLogger(__name__)

ACCIDENTS = 3
"""Tracebacks of a task that are logged."""


class Judge:
    """Of one run."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._accidents = 0

    def __repr__(self) -> str:
        return f"<Judge of {self._task.name}: {self._accidents} accidents>"

    def verdict(self, mailbox: Mailbox, error: BaseException) -> tuple[Status, Problem]:
        """How a mailbox ends that met `error`. Raises it if it is the run's business."""
        if not isinstance(error, BulkmailError):
            self._log_accident(mailbox, error)
        answered = isinstance(error, GraphError | TransportError)  # by the service, and there may be many
        return verdict(error, "" if answered else place_in(self._task, error))

    def _log_accident(self, mailbox: Mailbox, error: BaseException) -> None:
        """With the place in the task."""
        self._accidents += 1
        if self._accidents <= ACCIDENTS:
            log.error("the task raised an error; the mailbox of row %d fails", mailbox.row, exc_info=error)
