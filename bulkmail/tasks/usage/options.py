"""What a job may say of the report of usage, and what the tenant's own report said before the first mailbox."""

from typing import Literal, Self

from pydantic import Field, PrivateAttr

from bulkmail.task.declare import Options
from bulkmail.tasks.usage.detail import Detail


class UsageReportOptions(Options):
    """Where the figures come from."""

    period: Literal["D7", "D30", "D90", "D180"] = Field(
        "D7", description="days that the tenant's report looks back for the last activity"
    )
    source: Literal["report", "folders"] = Field(
        "report",
        description="report: one call for the whole tenant, and the sums of folders where the cloud has none; folders: "
        "the sums of each mailbox's folders, which need Mail.ReadBasic.All",
    )
    _detail: Detail | None = PrivateAttr(None)

    @property
    def detail(self) -> Detail | None:
        """The tenant's report; None where folders are summed up."""
        return self._detail

    def knowing(self, detail: Detail) -> Self:
        """The same, with a report that was read."""
        copy = self.model_copy()
        copy._detail = detail  # noqa: SLF001 - one of this class
        return copy
