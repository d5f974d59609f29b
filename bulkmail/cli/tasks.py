"""`bulkmail tasks`: what there is to run, and what each task asks for and reports. Only reads."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table
from rich.text import Text

from bulkmail.cli import console as say
from bulkmail.cli.flags import ForPrograms
from bulkmail.errors import UsageError
from bulkmail.tasks import Task, every, find, summaries

JOB = """
[app]
tenant_id = "contoso.onmicrosoft.com"   # or the directory (tenant) id
client_id = ""                          # application (client) id of the app registration
certificate = "contoso.pfx"
certificate_password_file = "contoso.pass"

[input]
path = "mailboxes.csv"

[output]
directory = "out/{task}-{date}"
"""
"""What every job begins with; `bulkmail setup` fills it in."""


def tasks(
    name: Annotated[str, typer.Argument(help="Task to describe; all are listed without one.")] = "",
    *,
    sample: Annotated[bool, typer.Option("--sample", help="Print a job file for the task, to be filled in.")] = False,
    as_json: ForPrograms = False,
) -> None:
    """List the tasks, or describe one: its options, its columns, and the least permission it needs.

    Examples:

      bulkmail tasks

      bulkmail tasks settings.report

      bulkmail tasks settings.report --sample > report.toml
    """
    with say.exit_on_error():
        if sample and (as_json or not name):
            raise UsageError("--sample goes with a task, and not with --json", hint="bulkmail tasks NAME --sample")
        if as_json:
            told = [_as_json(one) for one in ([find(name, Path())] if name else every().values())]
            typer.echo(orjson.dumps(told[0] if name else told, option=orjson.OPT_INDENT_2, default=str))
        elif sample:
            typer.echo("\n".join(_sample(find(name, Path()))))
        elif name:
            _describe(find(name, Path()))
        else:
            width = max(map(len, known := summaries()))
            for task, summary in known.items():
                say.results.print(f"{task:<{width}}  {summary}", soft_wrap=True)


def _as_json(task: Task) -> dict[str, Any]:
    options = {
        key: {
            "required": field.is_required(),
            "default": None if field.is_required() else field.get_default(call_default_factory=True),
            "meaning": field.description or "",
        }
        for key, field in task.options.model_fields.items()
    }
    return {
        "name": task.name, "summary": task.summary, "permission": task.permission, "writes": task.writes,
        "options": options, "columns": dict(task.columns(task.options.model_construct())),
    }  # fmt: skip


def _sample(task: Task) -> Iterator[str]:
    """The lines of a job: what has to be given stands there, the rest behind a #."""
    yield f"# {task.summary}.\n# Needs the application permission {task.permission}."
    yield JOB
    yield f'[task]\nname = "{task.name}"'
    for key, field in task.options.model_fields.items():
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        value = '""' if default is None else orjson.dumps(default, default=str).decode()
        line = f"{key} = {value}" if not value.startswith("{") else f"{key} = {{}}"
        yield (
            f"{line:<40}# to be given: {field.description}"
            if field.is_required()
            else (f"# {line:<38}# {field.description}")
        )


def _describe(task: Task) -> None:
    say.results.print(f"{task.name}: {task.summary}", soft_wrap=True)
    say.results.print(f"permission  {task.permission} (application)", soft_wrap=True)
    options = {_option(task, key): field.description or "" for key, field in task.options.model_fields.items()}
    for heading, rows in (("options", options), ("columns", task.columns(task.options.model_construct()))):
        if rows:
            say.results.print("")
            say.results.lay_out(_table(heading, rows))


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
