"""Events: one in every mailbox's calendar, taken away again, and what stands in a window of time."""

from bulkmail.tasks.events.add import events_add
from bulkmail.tasks.events.cancel import events_cancel
from bulkmail.tasks.events.report import events_report

TASKS = (events_add, events_cancel, events_report)
