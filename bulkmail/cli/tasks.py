"""`bulkmail tasks`: what there is to run, and what each task asks for and reports. Only reads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.table import Table
from rich.text import Text

from bulkmail.cli import console as say
from bulkmail.tasks import Task, every, find


def tasks(
    name: Annotated[str, typer.Argument(help="Task to describe; all are listed without one.")] = "",
) -> None:
    """List the tasks, or describe one: its options, its columns, and the least permission it needs.

    Examples:

      bulkmail tasks

      bulkmail tasks settings.report
    """
    with say.exit_on_error():
        if name:
            _describe(find(name, Path()))
        else:
            width = max(map(len, every()))
            for task in every().values():
                say.results.print(f"{task.name:<{width}}  {task.summary}", soft_wrap=True)


def _describe(task: Task) -> None:
    say.results.print(f"{task.name}: {task.summary}", soft_wrap=True)
    say.results.print(f"permission  {task.permission} (application)")
    say.results.lay_out(_table("option", {_option(task, key): field.description or ""
                                        for key, field in task.options.model_fields.items()}))  # fmt: skip
    say.results.lay_out(_table("column", task.columns(task.options.model_construct())))


def _option(task: Task, key: str) -> str:
    field = task.options.model_fields[key]
    if field.is_required():
        return f"{key} (to be given)"
    default = field.get_default(call_default_factory=True)
    if default is None or default == "":
        return f"{key} (not set)"
    return f"{key} = {orjson.dumps(default, default=str).decode()}"


def _table(heading: str, rows: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(heading)
    table.add_column("")
    for key, text in rows.items():
        table.add_row(Text(key), Text(text))
    return table
