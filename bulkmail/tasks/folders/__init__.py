"""Mail folders: reported, and given to every mailbox."""

from bulkmail.tasks.folders.apply import folders_apply
from bulkmail.tasks.folders.report import folders_report

TASKS = (folders_report, folders_apply)
