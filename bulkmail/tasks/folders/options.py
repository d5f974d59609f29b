"""What a job may say of folders: which to report, and which each mailbox shall have. Sends nothing."""

from typing import Literal

from pydantic import Field

from bulkmail.task.declare import Options


class FoldersReportOptions(Options):
    """Which rows, and what is read for them."""

    only: Literal["all", "total"] = Field("all", description="all, or total: one row a mailbox with the sums")
    hidden: bool = Field(default=False, description="hidden folders as well, and what lies in them")
    sizes: bool = Field(default=True, description="sizes, which the service keeps in an extended property")
    well_known: bool = Field(
        default=True,
        description="well-known names, which cost eleven requests a mailbox; the column is empty without them",
    )
    walk: Literal["delta", "children"] = Field(
        "delta", description="delta: all folders at once; children: parent by parent, for a cloud that has no delta"
    )
