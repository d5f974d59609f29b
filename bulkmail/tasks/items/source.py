"""The option that names an export, or loose streams: found beside the job file, and read once, before any mailbox."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator, PrivateAttr, ValidationInfo

from bulkmail.errors import InputError, TaskMistake
from bulkmail.graph import Graph
from bulkmail.model import Mailbox
from bulkmail.task.declare import Options
from bulkmail.tasks.items.clouds import require
from bulkmail.tasks.items.kept import Kept
from bulkmail.tasks.items.loose import Loose
from bulkmail.tasks.items.stored import Source
from bulkmail.tasks.kit.template import fill


def _directory(value: Any, info: ValidationInfo) -> Path:
    """Relative to the job file. That an export is there is checked before anything is asked of the service."""
    if not isinstance(value, str | Path) or not str(value).strip():
        raise ValueError("should be the run directory of an export, or a folder of streams")
    return Path((info.context or {}).get("folder", Path()) / Path(value)).absolute()


Directory = Annotated[Path, PlainValidator(_directory), PlainSerializer(str)]


class FromExport(Options):
    """Options of a task that reads an export, or loose streams."""

    source: Directory = Field(
        description="the run directory of an items.export; or a folder of loose streams, in a folder for each mailbox "
        "or named by items.csv"
    )  # fmt: skip
    mailbox_column: str = Field(
        "", description="column of the list with the mailbox in the export; without it, the address itself"
    )
    _kept: Source | None = PrivateAttr(None)

    @property
    def kept(self) -> Source:
        if self._kept is None:
            raise TaskMistake("the export was not opened")
        return self._kept

    def by_id(self) -> str:
        """The option by which items are known by their ids, or an empty text."""
        return ""

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
    kept: Source = await graph.thread(_at, options.source)
    if found.by_id() and not kept.has_ids:
        raise InputError(
            f"{options.source}: loose streams do not say which items they were",
            hint=f"{found.by_id()} needs the run directory of an export.",
        )
    found._kept = kept  # noqa: SLF001 - this module's own
    return found


def _at(path: Path) -> Source:
    is_loose = path.is_dir() and not (path / "run.json").exists()
    return Loose(path).open() if is_loose else Kept(path).open()
