"""Writes down what a run is before it begins, so that whoever resumes it can tell whether it still is. Runs nothing."""

import inspect
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from bulkmail import __version__
from bulkmail.config import Job, Output
from bulkmail.config.tables import PATHS
from bulkmail.rundir.digests import digest
from bulkmail.rundir.manifest import FileDigest, JobFile, Manifest, Mode, PinnedApp, PinnedInput, PinnedOutput, now
from bulkmail.source import FileSource
from bulkmail.source.spool import SpooledSource
from bulkmail.tasks import Options, Task, our_own

PLACE = ("tenant_id", "client_id", "cloud", "login", "graph")
"""Who a run acts as, and where. With which key is nobody's business, and keys are renewed."""


def mode_of(job: Job, task: Task) -> Mode:
    """What a run may do: read, plan, drift (a plan of which nothing should come) or apply."""
    if not task.writes:
        return "read"
    return "apply" if job.task.apply else "drift" if job.task.drift else "plan"


def pinned(job: Job, task: Task, options: Options, flags: Mapping[str, Any]) -> Manifest:
    """The manifest of a run that has not begun. `flags` are those of the command line."""
    app = job.app.model_dump(mode="json")
    return Manifest(
        task=task.name,
        code=code_of(task),
        options=options.model_dump(mode="json"),
        mode=mode_of(job, task),
        input=_input(job),
        app=PinnedApp(**{name: app[name] for name in PLACE}),
        output=output_of(job.output),
        limits=job.limits.model_dump(mode="json"),
        job=JobFile(str(job.path.resolve()), _anchored(flags)),
        version=__version__,
        started=now(),
    )


def output_of(output: Output) -> PinnedOutput:
    """How rows are written, with what `excel` stands for spelled out."""
    bom = output.bom or output.excel
    return PinnedOutput(output.format, output.raw, bom, output.cell_delimiter, decimal_comma=output.excel)


def code_of(task: Task) -> str:
    """Tells a task from the same one with other code in it: the version of bulkmail, or the digest of its file."""
    if our_own(task.name) is task:
        return f"bulkmail {__version__}"
    file = inspect.getsourcefile(inspect.unwrap(task.run))
    return f"sha256 {sha256(Path(file).read_bytes()).hexdigest()}" if file else "unknown"


def digest_of(source: FileSource | SpooledSource) -> FileDigest:
    """Size and SHA-256 of what a source was read from, once it was read to its end. Blocks for a spooled one."""
    if isinstance(source, FileSource):
        return FileDigest(source.digest.size, source.digest.sha256)
    return digest(source.path)


def measured(manifest: Manifest, source: FileSource | SpooledSource) -> Manifest:
    """The manifest with what its input was found to be, once `source` was read to its end. Blocks."""
    found = digest_of(source)
    known = replace(manifest.input, bytes=found.bytes, sha256=found.sha256, mailboxes=source.counts.unique)
    return replace(manifest, input=known)


def _input(job: Job) -> PinnedInput:
    """Alike from wherever the job was named: its path is relative to the job file, and that may be so to where we
    are."""
    given = job.input.model_dump(mode="json", exclude_defaults=True)
    return PinnedInput(**given | ({"path": _absolute(job.input.path)} if job.input.path else {}))


def _anchored(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Flags as they mean the same from anywhere: their paths are relative to where we are."""
    paths = {f"{table}.{key}" for table, key in PATHS}
    return {name: _absolute(value) if name in paths else value for name, value in flags.items()}


def _absolute(path: str) -> str:
    return path if path == "-" else str(Path(path).resolve())
