"""The files of a set-up: the key pair with its password, and the job file. What is there is never replaced."""

import json
import re
import secrets
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

from bulkmail import atomic
from bulkmail.app.setup.wish import LISTED, PRIVATE, PUBLIC, SECRET, Wish
from bulkmail.errors import ConfigError
from bulkmail.identity.certificate import Certificate
from bulkmail.identity.issue import key_credentials, new_key_pair, to_pfx
from bulkmail.identity.keyfile import load_key_pair
from bulkmail.identity.secret import Secret, read_secret
from bulkmail.identity.vault import PRIVATE as OWNER
from bulkmail.identity.vault import PUBLIC as ALL
from bulkmail.identity.vault import write

JOB = """\
# Written by bulkmail setup. `bulkmail help jobs` has every key, `bulkmail tasks {task}` the task's options.

[app]
{app}

[input]
{input}

[task]
name = {task_name}

[output]
directory = "out/{{task}}-{{date}}"
"""

_HEADER = re.compile(r"\s*\[")


def certificate_of(wish: Wish) -> Certificate | None:
    """The certificate of the key files; None until they are all there. Raises CertificateError for a key that does not
    open."""
    if not wish.file(PRIVATE).exists() or not wish.file(SECRET).exists():
        return None
    return load_key_pair(wish.file(PRIVATE), read_secret(wish.file(SECRET))).certificate


def make_keys(wish: Wish) -> Certificate:
    """Writes the key files; the private key comes last, so that where it is, all are. Raises OutputError."""
    password = Secret(secrets.token_urlsafe(24))
    pair = new_key_pair(f"CN={wish.keys.name}", days=wish.days, key_size=wish.key_size)
    listed = json.dumps(key_credentials([pair.certificate]), indent=2) + "\n"
    write(wish.file(SECRET), f"{password.reveal()}\n".encode(), OWNER, replace=True)
    write(wish.file(PUBLIC), pair.certificate.pem.encode(), ALL, replace=True)
    write(wish.file(LISTED), listed.encode(), ALL, replace=True)
    write(wish.file(PRIVATE), to_pfx(pair, wish.keys.name, password), OWNER)
    return pair.certificate


def app_table(wish: Wish, client_id: str) -> dict[str, str]:
    """The keys of [app] that a set-up decides, as they stand in a job file: paths relative to it."""
    app = wish.app
    named = {
        "tenant_id": app.tenant_id,
        "client_id": client_id,
        "certificate": _relative(wish.file(PRIVATE), wish.job.parent),
        "certificate_password_file": _relative(wish.file(SECRET), wish.job.parent),
    }
    if app.cloud != "global":
        named["cloud"] = app.cloud
    more = {"login": app.login, "graph": app.graph, "ca_file": _relative(app.ca_file, wish.job.parent)}
    return named | {key: value for key, value in more.items() if value}


def job_text(wish: Wish, client_id: str) -> str:
    """A new job file, or the one that is there with another [app]. Raises ConfigError where that cannot be edited."""
    table = app_table(wish, client_id)
    if wish.job.exists():
        return edited(wish.job.read_bytes().decode("utf-8-sig"), table, wish.job)
    given = wish.input
    listed = [_relative(Path(one), wish.job.parent) for one in given.paths]
    origin = (
        f"path = [{', '.join(map(_text, listed))}]"
        if len(listed) > 1
        else f"path = {_text(listed[0])}"
        if listed
        else ""
    )
    origin = origin or f"users = {_text(given.users or '')}"
    app = "\n".join(f"{name} = {_text(text)}" for name, text in table.items())
    return JOB.format(app=app, input=origin, task=wish.tasks[0], task_name=_text(wish.tasks[0]))


def edited(text: str, table: Mapping[str, str], path: Path) -> str:
    """`text` with these keys of its [app] table, and nothing else changed. Raises ConfigError."""
    lines, left, ending = text.split("\n"), dict(table), "\r" if "\r\n" in text else ""
    start = next((number for number, line in enumerate(lines) if re.fullmatch(r"\s*\[app\]\s*(#.*)?", line)), None)
    if start is None:
        raise ConfigError(f"{path} has no [app] table", hint="Add a line [app] to it.")
    end = next((number for number in range(start + 1, len(lines)) if _HEADER.match(lines[number])), len(lines))
    for number in range(start + 1, end):
        key = lines[number].partition("=")[0].strip()
        if key in left:
            lines[number] = f"{key} = {_text(left.pop(key))}{ending}"
    lines[start + 1 : start + 1] = [f"{key} = {_text(value)}{ending}" for key, value in left.items()]
    changed = "\n".join(lines)
    _require_app(changed, table, path)
    return changed


def write_job(wish: Wish, client_id: str) -> None:
    """A file that is there keeps its mode. Raises OutputError."""
    mode = stat.S_IMODE(wish.job.stat().st_mode) if wish.job.exists() else ALL
    atomic.replace(wish.job, job_text(wish, client_id).encode(), mode)


def is_written(wish: Wish, client_id: str) -> bool:
    """Whether the job file names this application with these files."""
    if not wish.job.exists():
        return False
    try:
        found = tomllib.loads(wish.job.read_text(encoding="utf-8-sig")).get("app", {})
    except ValueError as error:
        raise ConfigError(f"{wish.job} is not TOML: {error}", hint="Correct it, or name another job file.") from None
    return bool(app_table(wish, client_id).items() <= found.items())


def _require_app(text: str, table: Mapping[str, str], path: Path) -> None:
    """An edit that went wrong is not written."""
    try:
        found = tomllib.loads(text).get("app", {})
    except ValueError:
        found = {}
    if not table.items() <= found.items():
        lines = ", ".join(f"{key} = {_text(value)}" for key, value in table.items())
        raise ConfigError(f"the [app] table of {path} cannot be edited", hint=f"Write by hand: {lines}")


def _relative(path: Path | None, folder: Path) -> str:
    """As a job file names it: relative to itself where that is below it."""
    if path is None:
        return ""
    there = path.absolute()
    return str(there.relative_to(folder.absolute())) if there.is_relative_to(folder.absolute()) else str(there)


def _text(value: str) -> str:
    """A TOML text; JSON's escapes are among TOML's, which wants one more character escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
