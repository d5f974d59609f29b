"""What a job may say of folders: which to report, and which each mailbox should have. Sends nothing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from pydantic import Field, field_validator

from bulkmail.model import Mailbox
from bulkmail.task.declare import Options
from bulkmail.tasks.kit.paths import parted
from bulkmail.tasks.kit.template import checked, fill, has_holes
from bulkmail.tasks.kit.tree import CREATABLE_IN, ROOT, split

LONGEST = 255
"""Characters of a folder's name."""


class FoldersReportOptions(Options):
    """Which rows, and what is read for them."""

    only: Literal["all", "total"] = Field("all", description="all, or total: one row a mailbox with the sums")
    hidden: bool = Field(default=False, description="hidden folders as well, and what lies in them")
    sizes: bool = Field(default=True, description="sizes, which the service keeps in an extended property")
    well_known: bool = Field(
        default=True,
        description="well-known names, which cost ten requests a mailbox more; the column is empty without them",
    )
    walk: Literal["delta", "children"] = Field(
        "delta", description="delta: all folders at once; children: parent by parent, for a cloud that has no delta"
    )
    since: Literal["last"] | None = Field(
        None, description="last: only folders that have changed since the last run of this job, their items among "
        "that; needs [state] path, and a cloud that has delta",
    )  # fmt: skip

    def needs_state(self) -> str:
        return "since" if self.since else ""


class FoldersApplyOptions(Options):
    """The folders of the job."""

    folders: tuple[str, ...] = Field(
        min_length=1,
        description='paths, such as "Inbox/Projects" or "{Team}", from a well-known name or from the top; {Column} '
        "stands within one name, and a blank cell leaves its path out",
    )
    hidden: bool = Field(default=False, description="make new ones hidden; those that are there stay as they are")

    @field_validator("folders")
    @classmethod
    def _paths(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for path in value:
            _check(checked(path))
        return tuple(dict.fromkeys(value))

    def templates(self) -> Mapping[str, str]:
        return {"folders": "\n".join(self.folders)}

    def paths(self, mailbox: Mailbox) -> Iterator[Sequence[str]]:
        """The paths for one mailbox, each once, as the names of which it consists: the first may be a well-known one.
        Raises InputError for a column that the list does not have."""
        seen = set[str]()
        for path in self.folders:
            names = [fill(name, mailbox).strip() for name in parted(path)]
            start, rest = split(names)
            named = [*rest] if start == ROOT and split(rest)[0] == ROOT else [start, *rest]
            if all(names) and rest and (folded := "\0".join(named).casefold()) not in seen:
                seen.add(folded)
                yield named


def _check(path: str) -> None:
    """Raises ValueError for a path that no mailbox could have, or has in any case."""
    names = [name.strip() for name in parted(path)]
    start, rest = split(names)
    if not all(names) or any(len(name) > LONGEST for name in names):
        raise ValueError(f"{path[:60]!r} should be names between slashes, each of 1 to {LONGEST} characters")
    if not rest and not has_holes(path):
        raise ValueError(f"{path[:60]!r} is a folder of the service's own; name one in it")
    if start not in CREATABLE_IN:
        raise ValueError(f"no folder can be made in {start}")
