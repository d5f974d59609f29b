"""What is to be set up, as the command line and the answers at the terminal say it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer

from bulkmail.app.setup.wish import Wish, free_name, least_roles, require_stem
from bulkmail.config import App, Input, Job, load
from bulkmail.errors import UsageError
from bulkmail.tasks import find

NOWHERE = "00000000-0000-0000-0000-000000000000"
"""Stands in the job files of `configs/` where an id is to be put."""


@dataclass(frozen=True, slots=True)
class Given:
    """The options of the command line; `app` are those of [app] that were given."""

    job: Path
    app: dict[str, str]
    tasks: tuple[str, ...] = ()
    name: str = ""
    listed: str = ""
    scope: str = ""
    days: int = 365
    key_size: int = 3072
    yes: bool = False


def asked(given: Given) -> Wish:
    """Asks for what neither the command line nor a job file says. Raises UsageError where it may not ask."""
    job = load(given.job) if given.job.exists() else None
    app = _app(given, job)
    if not app.tenant_id:
        app = app.model_copy(update={"tenant_id": _answer(given, "Tenant (its id, or a domain of it)", "--tenant")})
    tasks = given.tasks or _tasks(given, job)
    for one in tasks:
        find(one, given.job.parent)
    name = given.name or (_answer(given, "Name of the application", default="bulkmail") if job is None else "bulkmail")
    origin = job.input if job and job.input.origins and not given.listed else _input(given)
    roles = least_roles(tasks, origin, job)
    keys = _keys(job) or given.job.parent / require_stem(name)
    return Wish(app, name, tasks, roles, given.job, keys, origin, given.scope, given.days, given.key_size)


def successor(wish: Wish) -> Wish:
    """The same with the files of the next key, and no role to be granted. Raises UsageError where the job names no
    application."""
    if not wish.job.exists() or not wish.app.client_id:
        raise UsageError(f"{wish.job} names no application", hint="`bulkmail setup` makes one.")
    return replace(wish, keys=free_name(wish.keys), roles=())


def _app(given: Given, job: Job | None) -> App:
    there = job.app if job else App()
    cleared: dict[str, Any] = {key: "" for key in ("tenant_id", "client_id") if getattr(there, key) == NOWHERE}
    files = {"ca_file": Path(given.app["ca_file"])} if given.app.get("ca_file") else {}
    texts = {key: value for key, value in given.app.items() if value and key != "ca_file"}
    return there.model_copy(update={**cleared, **texts, **files})


def _tasks(given: Given, job: Job | None) -> tuple[str, ...]:
    if job is not None:
        return (job.task.name,)
    text = _answer(given, "Tasks, with a comma between (`bulkmail tasks` lists them)", default="settings.report")
    return tuple(filter(None, map(str.strip, text.split(","))))


def _input(given: Given) -> Input:
    """A list, or all users of the directory."""
    question = "List of mailboxes (CSV or text; users for all users of the directory)"
    text = given.listed or _answer(given, question, default="users")
    return Input(users="") if text == "users" else Input(path=text)


def _keys(job: Job | None) -> Path | None:
    """The path of the job's key files, without their suffix."""
    file = job.app.certificate if job else None
    return file.with_suffix("") if file is not None else None


def _answer(given: Given, question: str, option: str = "", *, default: str | None = None) -> str:
    if given.yes:
        if default is None:
            raise UsageError(f"{question}: nothing says which", hint=f"Give {option}, or leave out --yes.")
        return default
    return str(typer.prompt(question, default=default, err=True)).strip()
