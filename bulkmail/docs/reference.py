"""Makes the parts of the documentation that follow from declarations: job keys, tasks and exit codes.

A part stands between `<!-- generated: NAME -->`, or `<!-- generated: NAME FAMILY -->`, and `<!-- end -->`.
`python -m bulkmail.docs` writes all parts anew, and a test fails when that was forgotten.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import orjson
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bulkmail.config.layers import VARIABLES
from bulkmail.config.tables import TABLES, Seconds
from bulkmail.docs import families
from bulkmail.errors import EXIT_CODES
from bulkmail.task.declare import Task
from bulkmail.tasks import SUMMARIES, built_in

FOLDER = Path(__file__).parent
_PART = re.compile(r"(<!-- generated: ([a-z-]+)(?: ([a-z]+))? -->\n).*?(<!-- end -->)", re.DOTALL)


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; cells are escaped."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def job_keys() -> str:
    """A section for each table of a job file."""
    return "\n".join(f"## [{name}]\n\n{_summary(model)}\n\n{_keys(name, model)}" for name, model in TABLES.items())


def tasks() -> str:
    """All tasks in one table."""
    rows = [(f"`{one.name}`", one.summary, one.permission, f"`{one.name}.toml`") for one in built_in().values()]
    return table(("task", "what it does", "permission (application)", "job file in `configs/`"), rows)


def task_pages() -> str:
    """A link to the page of each task family."""
    return "".join(f"- [{name}]({name}.md): {about}\n" for name, about in families().items())


def task_options(family: str) -> str:
    """A section for each task of a family with its options and columns."""
    return "\n".join(_described(one) for one in built_in().values() if one.name.partition(".")[0] == family)


def exit_codes() -> str:
    return table(("code", "meaning"), [(str(code), meaning) for code, meaning in EXIT_CODES.items()])


PARTS: Mapping[str, Callable[..., str]] = {
    "exit-codes": exit_codes,
    "job-keys": job_keys,
    "task-options": task_options,
    "task-pages": task_pages,
    "tasks": tasks,
}


def renewed(text: str) -> str:
    """`text` with its generated parts as they are now. Raises KeyError for a part of an unknown name."""
    return _PART.sub(lambda part: f"{part[1]}\n{_made(part[2], part[3])}\n{part[4]}", text)


def _made(name: str, family: str | None) -> str:
    return PARTS[name](family) if family else PARTS[name]()


def documents() -> list[Path]:
    """Every Markdown file here, and the README beside the package where there is one."""
    readme = FOLDER.parent.parent / "README.md"
    return [*sorted(FOLDER.glob("*.md")), *([readme] if readme.exists() else [])]


def summaries() -> str:
    """The file that `bulkmail tasks` lists our tasks from."""
    told = {one.name: one.summary for one in built_in().values()}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def write() -> list[Path]:
    """Renews all files; returns those that have changed."""
    made = {path: renewed(path.read_text(encoding="utf-8")) for path in documents()} | {SUMMARIES: summaries()}
    changed = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in changed:
        path.write_text(made[path], encoding="utf-8")
    return changed


_IN_SECONDS = get_args(Seconds)[1]


def _summary(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().split("\n")[0]


def _keys(name: str, model: type[BaseModel]) -> str:
    variables = {key: variable for variable, (of, key) in VARIABLES.items() if of == name}
    rows = [
        (f"`{key}`", _default(field), field.description or "", f"`{variables[key]}`" if key in variables else "")
        for key, field in model.model_fields.items()
    ]
    return table(("key", "built in", "meaning", "environment"), rows)


def _described(task: Task) -> str:
    options = [
        (f"`{key}`", _default(field), field.description or "") for key, field in task.options.model_fields.items()
    ]
    columns = [(f"`{key}`", text) for key, text in task.columns(task.options.model_construct()).items()]
    told = table(("option", "built in", "meaning"), options) if options else "It has no options.\n"
    return f"### {task.name}: options\n\n{told}\n### {task.name}: columns\n\n{table(('column', 'meaning'), columns)}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(required)"
    value: Any = field.get_default(call_default_factory=True)
    if value is None or value in ("", (), []):
        return ""
    if _IN_SECONDS in field.metadata:
        return f"`{value:g}s`"
    return f"`{orjson.dumps(value, default=str).decode()}`"
