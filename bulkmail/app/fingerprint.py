"""Writes down what a run is before it begins, and tells whether it still is that when it goes on. Runs nothing."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from bulkmail import __version__
from bulkmail.app.compose import proxy_shown
from bulkmail.config import Job, Output
from bulkmail.config.tables import PATHS
from bulkmail.errors import ConfigError
from bulkmail.model import Source
from bulkmail.rundir.differences import Difference, differences
from bulkmail.rundir.manifest import JobFile, Manifest, Mode, PinnedApp, PinnedInput, PinnedOutput, now
from bulkmail.tasks import Options, Task, our_own
from bulkmail.text import is_address

IDENTITY = ("tenant_id", "client_id", "cloud", "login", "graph")
"""Who a run acts as, and where. Which key it signs in with does not matter: keys are renewed."""

UNCHANGEABLE = ("output.", "mode", "app.")
"""What a run that goes on cannot change, even if the user accepts it."""


def mode_of(job: Job, task: Task) -> Mode:
    """What a run may do: read, plan, drift (a plan or report from which nothing should come) or apply."""
    if not task.writes:
        return "drift" if job.task.drift and task.finding is not None else "read"
    return "apply" if job.task.apply else "drift" if job.task.drift else "plan"


def pinned(job: Job, task: Task, options: Options, flags: Mapping[str, Any]) -> Manifest:
    """The manifest of a run that has not begun. `flags` are those of the command line."""
    return Manifest(
        task=task.name,
        code=code_of(task),
        options=options.model_dump(mode="json"),
        mode=mode_of(job, task),
        input=_input(job),
        app=application_of(job),
        output=replace(output_of(job.output), mask=mask_key(job), blobs=place_of(job.output)),
        limits=job.limits.model_dump(mode="json"),
        job=JobFile(str(job.path.resolve()), _anchored(flags), _named(job)),
        version=__version__,
        started=now(),
        id=uuid4().hex,
        proxy=proxy_shown(job.app),
        key_columns=task.key_columns,
    )


def measured(manifest: Manifest, source: Source) -> Manifest:
    """The manifest with what the last whole reading of `source` found its input to be."""
    found, columns = source.digest(), tuple(getattr(source, "columns", ()))  # not every source has columns
    manifest = replace(manifest, columns=columns or manifest.columns)
    if found is None:
        return manifest
    excluded = getattr(source, "excluded_sha256", "") or manifest.input.excluded_sha256  # not every source has one
    known = replace(
        manifest.input, bytes=found.bytes, sha256=found.sha256, mailboxes=source.size(), excluded_sha256=excluded
    )  # fmt: skip
    return replace(manifest, input=known, counts=source.counts)


def require_same(
    before: Manifest, after: Manifest, *, accept: bool = False, only: tuple[str, ...] = ("",)
) -> Sequence[Difference]:
    """What of a run is no longer as it was, by members whose names begin with one of `only`. Raises ConfigError if
    there is any, unless the user accepts it and it can be."""
    changed = [one for one in differences(before, after) if one.name.startswith(only)]
    if changed and not accept:
        raise ConfigError(
            "\n".join(["the run is no longer what it was:", *map(str, changed)]),
            hint="Put it back, or read what changed and add --accept-changes; for a new run there is `bulkmail run`.",
        )
    if any(one.name.startswith(UNCHANGEABLE) for one in changed):
        raise ConfigError(
            "\n".join(["a run cannot change its application, its mode or its formats on the way:", *map(str, changed)]),
            hint="Put that back, or start a new run.",
        )
    return changed


def require_application(before: Manifest, job: Job) -> None:
    """Raises ConfigError if the job names another application, tenant or cloud than the run had."""
    changed = [one for one in differences(before, replace(before, app=application_of(job))) if one.name != "app"]
    if changed:
        raise ConfigError(
            "\n".join([f"{job.path} names another application or tenant than the run had:", *map(str, changed)]),
            hint="Put [app] back as it was: only that application, in that tenant, can take back what it changed.",
        )


def output_of(output: Output) -> PinnedOutput:
    """How rows are written, with what `excel` stands for spelled out."""
    bom = output.bom or output.excel
    return PinnedOutput(
        output.format, output.raw, bom, output.cell_delimiter, decimal_comma=output.excel, order=output.order
    )


def mask_key(job: Job) -> str:
    """The file with the key of the mask; empty without one."""
    return str((job.output.mask_key or job.path.with_suffix(".mask.key")).resolve()) if job.output.mask else ""


def place_of(output: Output) -> str:
    """Where blobs go, the same from wherever the job was named; empty for the run directory."""
    return output.blobs if is_address(output.blobs) or not output.blobs else str(Path(output.blobs).resolve())


def application_of(job: Job) -> PinnedApp:
    """Who a run of this job acts as, and where."""
    return PinnedApp(**job.app.model_dump(include=set(IDENTITY)))


def code_of(task: Task) -> str:
    """Tells a task from the same one with other code in it: the version of bulkmail, or the digest of its file."""
    ours = our_own(task.name)
    if ours is not None and ours.run is task.run:
        return f"bulkmail {__version__}"
    file = inspect.getsourcefile(inspect.unwrap(task.run))
    return f"sha256 {sha256(Path(file).read_bytes()).hexdigest()}" if file else "unknown"


def _named(job: Job) -> str:
    """The task as the job names it, so that it is found from anywhere: a file by its absolute path."""
    path, colon, function = job.task.name.rpartition(":")
    return f"{(job.path.parent / path).resolve()}:{function}" if colon and path.endswith(".py") else job.task.name


def _input(job: Job) -> PinnedInput:
    """The same from wherever the job was named: its path is relative to the job file, and that may be relative to the
    current directory."""
    given = job.input.model_dump(mode="json", exclude_defaults=True)
    return PinnedInput(
        **given | {key: _absolute(value) for key in ("path", "exclude") if (value := getattr(job.input, key))}
    )


def _anchored(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Flags as they mean the same from anywhere: their paths are relative to the current directory."""
    paths = {f"{table}.{key}" for table, key in PATHS}
    return {name: _absolute(value) if name in paths else value for name, value in flags.items()}


def _absolute(path: Any) -> Any:
    """A path, or each of a list."""
    if isinstance(path, tuple | list):
        return tuple(map(_absolute, path))
    return path if path in ("", "-") or is_address(path) else str(Path(path).resolve())
