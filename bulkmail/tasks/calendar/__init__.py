"""Who may see or change the calendars of a mailbox: reported, and set to what the job says."""

from bulkmail.tasks.calendar.apply import permissions_apply
from bulkmail.tasks.calendar.report import permissions_report

TASKS = (permissions_report, permissions_apply)
