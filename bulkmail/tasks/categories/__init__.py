"""The master list of categories: reported, and given to every mailbox."""

from bulkmail.tasks.categories.apply import categories_apply
from bulkmail.tasks.categories.report import categories_report

TASKS = (categories_report, categories_apply)
