"""What a sweep can be made of: reports of other families, each with its rows, needs, columns and finding. A table."""

from collections.abc import Mapping, Sequence

from bulkmail.task.declare import Task
from bulkmail.tasks.calendar.report import permissions_report
from bulkmail.tasks.folders.report import folders_report
from bulkmail.tasks.rules.report import rules_report
from bulkmail.tasks.settings.report import settings_report

_REPORTS = (settings_report, rules_report, folders_report, permissions_report)

PARTS: Mapping[str, Task] = {report.name.removesuffix(".report"): report for report in _REPORTS}
"""By the names of the parts, in the order of their rows. A report that wants the columns of the list or goes to
another mailbox cannot be a part, nor can one that goes on from the last run; to be one, it has to be entered here and
nowhere else."""

FIRST = ("calendar.permissions", "rules", "settings", "folders")
"""Parts that begin before the others, in this order: those that may ask again when their first answer is there, so that
they do not stand alone at the end; and those that read what others need as well: the settings name a folder, and rules
name many."""


def begun(parts: Sequence[str]) -> list[str]:
    """The parts in the order in which they begin."""
    return sorted(parts, key=lambda part: FIRST.index(part) if part in FIRST else len(FIRST))
