"""Several reports of a mailbox in one sweep."""

from bulkmail.tasks.mailbox.report import mailbox_report

TASKS = (mailbox_report,)
