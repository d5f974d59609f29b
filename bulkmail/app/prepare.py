"""Prepares a run: from a job, or from the directory of an earlier run, to everything that the runner needs.

Whatever can be wrong with a job is found here, before a directory is made or a mailbox is asked for.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from bulkmail.app.commands import quoted
from bulkmail.app.compose import credential_of
from bulkmail.app.fingerprint import measured, pinned, require_application
from bulkmail.app.input import earlier_source, file_source, survey
from bulkmail.app.observe import Note
from bulkmail.app.templates import asked, collecting, require_columns
from bulkmail.app.warnings import warned
from bulkmail.config import Input, Job, load
from bulkmail.config.tables import several
from bulkmail.core.mask import Mask
from bulkmail.errors import ConfigError, InputError, UsageError
from bulkmail.identity.claims import decode
from bulkmail.identity.credential import Credential
from bulkmail.identity.secret import exposed
from bulkmail.model import Source, Status, TokenSource
from bulkmail.rundir.addresses import Addresses, addresses_of
from bulkmail.rundir.folder import BLOBS, FAILED
from bulkmail.rundir.manifest import MANIFEST, Manifest
from bulkmail.rundir.maskkey import made
from bulkmail.rundir.reader import RunDir
from bulkmail.sink.depot import Depot, depot_of
from bulkmail.task.undo import undoing
from bulkmail.tasks import Options, Task, check_options, find

Flags: TypeAlias = Mapping[str, Any]
"""Settings that are laid over a job file, by dotted keys such as `limits.batch`."""

OF_ONE_START = frozenset({"limits.max_duration", "limits.wait"})
"""Flags that do not go on with the run that they were given for."""

FEW = 4
"""Permissions that are told at the start of a run."""

EXPIRES_SOON = 30
"""Days before the end of a certificate from which each run warns."""

KEYS_LOGGED = "SSLKEYLOGFILE is set: every connection's keys are written there, and with them tokens can be read"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that could begin: all of it but its directory. Without a `source` the tenant's directory is asked."""

    job: Job
    task: Task
    options: Options
    credential: TokenSource
    manifest: Manifest
    source: Source | None = None
    warnings: Sequence[str] = ()
    expected: frozenset[Status] = frozenset()
    """How its mailboxes ended before, where it is about those that ended so: that they end so again raises no alarm."""
    mask: Mask | None = None
    """Stands between the addresses and the readers of the log, the progress and the rows."""

    def addresses(self, folder: Path) -> Addresses | None:
        """Those of the run, when its files are masked and it works in `folder`."""
        return addresses_of(self.manifest, folder, self.mask if self.manifest.output.mask else None)

    def depot(self, folder: Path) -> Depot:
        """Where its blobs lie, when it works in `folder`."""
        return depot_of(folder.resolve() / BLOBS, self.manifest.output.blobs, self.manifest.id)


def prepare(job: Job, flags: Flags) -> Prepared:
    """A new run of a job. `flags` are those that the job was loaded with. Raises ConfigError, InputError, UsageError
    and CertificateError. Blocks."""
    task, options = chosen(job)
    require_writes(task, job, flags)
    _require_memory(job)
    source = file_source(job.input, keep_columns=task.wants_columns)
    credential = credential_of(job)
    manifest = with_certificate(pinned(job, task, options, flags), credential)
    return Prepared(
        job, task, options, credential, manifest, source, _warnings(job, credential), _expected(job), _mask(manifest)
    )  # fmt: skip


def prepare_again(run: RunDir, flags: Flags) -> Prepared:
    """A run of the job of an earlier one as it is today, with the input that the earlier one had. Raises as `prepare`
    does. Blocks."""
    job, all_flags = _reloaded(run.manifest, flags)
    task, options = chosen(job)
    _require_memory(job)
    source = earlier_source(run, job, task)
    credential = credential_of(job)
    manifest = with_certificate(pinned(job, task, options, all_flags), credential)
    manifest = replace(manifest, parent=str(run.path.resolve()))
    return Prepared(
        job, task, options, credential, manifest, source, _warnings(job, credential), mask=_mask(manifest)
    )  # fmt: skip


def prepare_undo(run: RunDir, flags: Flags) -> Prepared:
    """The undoing of what `run` changed, or the rest of it if `run` is an undo itself; see `_by_its_own`."""
    return _by_its_own(run, flags, undoing, undo=True)


def prepare_apply(plan: RunDir, flags: Flags) -> Prepared:
    """The carrying out of a plan, with the input that it had; see `_by_its_own`."""
    is_undo = plan.manifest.undo
    applying = dict(flags) | {"task.drift": False, "task.apply": True}
    prepared = _by_its_own(plan, applying, undoing if is_undo else _itself, undo=is_undo, applies=True)
    return replace(prepared, source=earlier_source(plan, prepared.job, prepared.task))


def _mask(manifest: Manifest) -> Mask | None:
    """Raises ConfigError and OutputError. Blocks."""
    return made(Path(manifest.output.mask)) if manifest.output.mask else None


def _itself(task: Task) -> Task:
    return task


def _by_its_own(
    run: RunDir, flags: Flags, shape: Callable[[Task], Task], *, undo: bool, applies: bool = False
) -> Prepared:
    """A run by the task, the options, the input and the application of an earlier one, whatever the job file says
    today. The key, the authorities to trust and the limits are those of the job file.

    Raises as `prepare` does, and ConfigError if the job has another application or tenant now. Blocks.
    """
    before = run.manifest
    job, all_flags = _reloaded(before, flags)
    require_application(before, job)
    given = asdict(before.input)
    job = job.model_copy(update={"input": Input(**{name: given[name] for name in Input.model_fields})})
    task = _own_task(before, job)
    options = run.options(task)
    task = task.given(options)
    shaped = shape(task)
    manifest = pinned(job, task, options, all_flags)
    manifest = replace(
        manifest,
        input=replace(before.input, bytes=None, sha256=None, mailboxes=None, excluded_sha256=""),
        job=replace(manifest.job, task=before.job.task),
        parent=str(run.path.resolve()),
        undo=undo,
        applies=applies,
        key_columns=shaped.key_columns,
    )
    credential = credential_of(job)
    manifest = with_certificate(manifest, credential)
    warnings = _warnings(job, credential)
    return Prepared(
        job, shaped, options, credential, manifest, warnings=warnings, expected=_GONE_SINCE, mask=_mask(manifest)
    )


async def surveyed(prepared: Prepared) -> Prepared:
    """With the size and the digest of its input in the manifest, if that can be read without Graph. Raises
    InputError, and ConfigError for a text that names a column which the list does not have."""
    source = prepared.source
    if source is None or not source.replayable:
        return prepared
    names = set[str]()
    wanted = not prepared.manifest.undo and asked(prepared.options)
    empty_is_ok = prepared.job.output.empty_is_ok or prepared.manifest.undo
    await survey(source, empty_is_ok=empty_is_ok, look=collecting(names) if wanted else None)
    if wanted and source.size():
        require_columns(prepared.options, names, source.name)
    manifest = warned(measured(prepared.manifest, source), prepared.options, source)
    return replace(prepared, manifest=manifest)


async def introduce(prepared: Prepared, note: Note) -> None:
    """Signs in, and notes who works where, with which permissions. Raises SignInError."""
    shown = str if prepared.mask is None else prepared.mask.text
    for text in prepared.warnings:
        note(f"note: {shown(text)}")
    for text in prepared.manifest.warnings:
        note(f"warning: {shown(text)}")
    job, claims = prepared.job, decode(await prepared.credential.token())
    note(f"{prepared.task.name} as {job.app.client_id} in {job.app.tenant_id} ({job.app.cloud})")
    note(f"permissions: {_few(claims.get('roles', ()))}")


def _few(roles: Sequence[str]) -> str:
    """The first of them; an application may have so many that they fill a screen."""
    more = f" and {len(roles) - FEW:,} more: see bulkmail token" if len(roles) > FEW else ""
    return f"{', '.join(roles[:FEW])}{more}" or "none (granted in Exchange, or missing)"


_GONE_SINCE = frozenset({Status.ABSENT})
"""What a run that goes by an earlier one, and not by a list, may find everywhere."""


def _require_memory(job: Job) -> None:
    """Raises ConfigError where an order is asked for that nothing remembers."""
    if job.input.order == "stalest" and job.state.path is None:
        raise ConfigError(
            'input.order = "stalest" needs a file that remembers when each mailbox was tried',
            hint='Set path = "state.sqlite" in [state].',
        )


def _expected(job: Job) -> frozenset[Status]:
    """Of a list that is the `failed.csv` of a run, no mailbox ended well. Raises InputError for one of a masked run."""
    paths = [*map(Path, job.input.paths)]
    failed = [one for one in paths if one.name == FAILED and (one.parent / MANIFEST).is_file()]
    for one in failed:
        if Manifest.read(one.parent).output.mask:
            again = quoted("bulkmail", "resume", one.parent, "--retry", "failed,denied,unknown")
            raise InputError(f"{one}: the run was masked, and digests are not addresses", hint=f"Run: {again}")
    return frozenset(Status) - {Status.OK} if failed and failed == paths else frozenset()


def chosen(job: Job) -> tuple[Task, Options]:
    """The task of a job as it is with the job's options. Raises ConfigError and InputError."""
    task = find(job.task.name, job.path.parent)
    options = check_options(task, job.task.options, job.path.parent)
    if job.state.path is None and (name := options.needs_state()):
        raise ConfigError(
            f"task.{name}: goes on from the last run, and nothing of that is kept",
            hint='Say where it is: [state] path = "state.sqlite", relative to the job file.',
        )
    return task.given(options), options


def require_writes(task: Task, job: Job, flags: Flags) -> None:
    """Raises UsageError where a task that changes nothing is asked about changes: it would answer "none" for ever. A
    report that knows findings may be asked for these with `--drift`."""
    asked = {
        "--apply": job.task.apply,
        "--drift": job.task.drift and task.finding is None,
        "--max-changes": bool(flags.get("limits.max_changes")),
    }
    if not task.writes and any(asked.values()):
        named = " and ".join(name for name, given in asked.items() if given)
        raise UsageError(
            f"{task.name} changes nothing, so {named} means nothing there",
            hint="These are for tasks that change mailboxes, such as settings.apply.",
        )


def with_certificate(manifest: Manifest, credential: Credential) -> Manifest:
    """The manifest with the life that the application's certificate has left; a secret has none."""
    certificate = credential.certificate
    if certificate is None:
        return manifest
    expires = certificate.not_after.isoformat(timespec="seconds")
    return replace(manifest, certificate_expires=expires, certificate_days_left=certificate.days_left())


def _warnings(job: Job, credential: Credential) -> list[str]:
    certificate = credential.certificate
    left = certificate.days_left() if certificate else EXPIRES_SOON
    expiry = f"the certificate expires in {left} days; `bulkmail cert new` makes its successor"
    return [
        *job.notes,
        *credential.warnings,
        *filter(None, map(exposed, filter(None, (job.app.certificate_password_file, job.app.client_secret_file)))),
        *([expiry] if left < EXPIRES_SOON else ()),
        *([KEYS_LOGGED] if os.environ.get("SSLKEYLOGFILE") else ()),
    ]


def _reloaded(before: Manifest, flags: Flags) -> tuple[Job, dict[str, Any]]:
    """The job of an earlier run as it is now, with the flags it was given then and `flags` over them."""
    if any("\0" in path for path in (before.job.path, *before.input.paths, *several(before.input.exclude))):
        raise InputError(f"{MANIFEST} names a path with a NUL character", hint="Put the file back from a backup.")
    kept = {key: value for key, value in before.job.flags.items() if key not in OF_ONE_START}
    all_flags = kept | dict(flags)
    if not Path(before.job.path).is_file():
        raise ConfigError(f"the run's job file {before.job.path} is not there", hint="Name it: --job JOB.toml.")
    return load(Path(before.job.path), flags=all_flags), all_flags


def _own_task(before: Manifest, job: Job) -> Task:
    """The task that a run had. Raises ConfigError if it is not there any more."""
    named = before.job.task or (job.task.name if ".py:" in job.task.name else before.task)
    task = find(named, job.path.parent)
    if task.name != before.task:
        raise ConfigError(
            f"the run was one of {before.task}, and {named} is {task.name} now",
            hint="Put the file of the task back as it was.",
        )
    return task
