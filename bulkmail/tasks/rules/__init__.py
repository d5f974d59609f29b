"""Inbox rules: reported, taken away, and given to every mailbox."""

from bulkmail.tasks.rules.apply import rules_apply
from bulkmail.tasks.rules.remove import rules_remove
from bulkmail.tasks.rules.report import rules_report

TASKS = (rules_report, rules_remove, rules_apply)
