"""How much room mailboxes take, and when they were last used."""

from bulkmail.tasks.usage.report import usage_report

TASKS = (usage_report,)
