"""The option that names an export: found beside the job file, and read once, before the first mailbox."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator, PrivateAttr, ValidationInfo

from bulkmail.errors import TaskMistake
from bulkmail.graph import Graph
from bulkmail.model import Mailbox
from bulkmail.task.declare import Options
from bulkmail.tasks.items.clouds import require
from bulkmail.tasks.items.kept import Kept
from bulkmail.tasks.kit.template import fill


def _directory(value: Any, info: ValidationInfo) -> Path:
    """Relative to the job file. That an export is there is checked before anything is asked of the service."""
    if not isinstance(value, str | Path) or not str(value).strip():
        raise ValueError("should be the run directory of an export")
    return Path((info.context or {}).get("folder", Path()) / Path(value)).absolute()


Directory = Annotated[Path, PlainValidator(_directory), PlainSerializer(str)]


class FromExport(Options):
    """Options of a task that reads an export."""

    source: Directory = Field(description="the run directory of an items.export")
    mailbox_column: str = Field(
        "", description="column of the list with the mailbox in the export; without it, the address itself"
    )
    _kept: Kept | None = PrivateAttr(None)

    @property
    def kept(self) -> Kept:
        if self._kept is None:
            raise TaskMistake("the export was not opened")
        return self._kept

    def templates(self) -> Mapping[str, str]:
        """The column, so that a list without it is refused before anything is sent."""
        return {"mailbox_column": f"{{{self.mailbox_column}}}"} if self.mailbox_column else {}

    def mailbox_of(self, mailbox: Mailbox) -> str:
        """The mailbox in the export. Raises InputError for a row without the column."""
        return fill(f"{{{self.mailbox_column}}}", mailbox).strip() if self.mailbox_column else mailbox.address


async def opened(graph: Graph, options: Any) -> Any:
    """The options with the export that they name. Raises InputError, Damaged and ConfigError."""
    await require(graph, options)
    found = options.model_copy()
    found._kept = await graph.thread(Kept(options.source).open)  # noqa: SLF001 - this module's own
    return found
