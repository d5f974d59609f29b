"""Mailbox settings: automatic replies, time zone, language, formats, working hours."""

from bulkmail.tasks.settings.apply import settings_apply
from bulkmail.tasks.settings.report import settings_report

TASKS = (settings_report, settings_apply)
