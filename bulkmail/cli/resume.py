"""`bulkmail resume`: goes on with a run that was stopped or killed, or makes a new one of what did not end well."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bulkmail.app.compose import file_source, survey
from bulkmail.app.fingerprint import measured, pinned
from bulkmail.app.loop import run as run_loop
from bulkmail.app.observe import Observer
from bulkmail.app.runner import Ended, Run
from bulkmail.cli import console as say
from bulkmail.cli import summary
from bulkmail.cli.progress import shown
from bulkmail.cli.run import AsJson, LogJson, MaxChanges, MaxDuration, NoProgress, conclude, flags, introduce, signed
from bulkmail.config import Job, load
from bulkmail.errors import ConfigError, InputError, UsageError
from bulkmail.identity.claims import decode
from bulkmail.model import Status
from bulkmail.rundir import folder as folders
from bulkmail.rundir.differences import Difference, differences
from bulkmail.rundir.figures import carry_over
from bulkmail.rundir.manifest import Manifest
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.recovery import Recovered, check_rows, recover
from bulkmail.source import FileSource
from bulkmail.source.remaining import Only
from bulkmail.source.rows import Rows
from bulkmail.source.spool import SpooledSource, spool
from bulkmail.task.undo import undoing
from bulkmail.tasks import Task, check_options, find

OF_ONE_START = frozenset({"limits.max_duration"})
"""Flags that do not go on with the run that they were given for."""


def resume(
    run_dir: Annotated[Path, typer.Argument(help="Run directory.", metavar="RUN_DIR")],
    *,
    retry: Annotated[
        str, typer.Option(help="Run again what ended so, in a new run: any of failed,denied,unknown,absent,not_run,ok.")
    ] = "",
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Go on although input, job or task are not what they were.")
    ] = False,
    max_changes: MaxChanges = None,
    max_duration: MaxDuration = "",
    no_progress: NoProgress = False,
    log_json: LogJson = False,
    as_json: AsJson = False,
) -> None:
    """Go on with a run that was stopped or killed: what is done stays done, the rest is done now.

    Input, task, application and tenant have to be what they were; what is not is named, and refused until you accept
    it. A mailbox in which a write was under way waits until the service has settled (limits.settle), so that nothing
    is done twice. With --retry, mailboxes that ended so are run again, as a new run that names this one.

    Exit codes are those of `bulkmail run`.

    Examples:

      bulkmail resume out/settings.report-2026-11-23

      bulkmail resume out/settings.report-2026-11-23 --retry failed,denied
    """
    say.log_to_stderr(as_json=log_json)
    console = say.progress(hidden=no_progress or log_json)
    with say.exit_on_error():
        given = flags(None, {"limits.max_changes": max_changes, "limits.max_duration": max_duration})
        wanted = _statuses(retry)
        with folders.hold(folders.existing(run_dir)):
            before = Manifest.read(run_dir)
            rows = RunDir(run_dir).rows_with(wanted)
            if not retry and before.state == "finished":
                code = _nothing_left(run_dir, before, as_json=as_json)
            elif not retry:
                before.write(run_dir)
                code = _go_on(run_dir, before, given, console, accept=accept_changes, as_json=as_json)
        if retry and not rows:
            raise UsageError(f"{run_dir} has no mailbox that ended {' or '.join(sorted(wanted))}")
        if retry:
            code = _again(run_dir, before, given, rows, console, as_json=as_json)
    raise typer.Exit(code)


def reloaded(before: Manifest, given: Mapping[str, Any]) -> tuple[Job, dict[str, Any]]:
    """The job of an earlier run as it is now, with the flags it was given then and `given` over them."""
    kept = {key: value for key, value in before.job.flags.items() if key not in OF_ONE_START}
    laid = kept | dict(given)
    return load(Path(before.job.path), flags=laid), laid


def listed_in(folder: Path, before: Manifest, job: Job, task: Task) -> FileSource | SpooledSource | None:
    """The input of an earlier run; None where the directory has to be asked once more."""
    if (folder / folders.INPUT).exists() and before.input.sha256:
        return SpooledSource(folder / folders.INPUT)
    listed = file_source(job.input, keep_columns=task.wants_columns)
    if listed is not None and not listed.local:
        raise InputError(
            "the run ended before its standard input was read to the end, so its mailboxes are not known",
            hint="Start it anew; nothing was done yet.",
        )
    return listed


def _statuses(text: str) -> frozenset[Status]:
    try:
        return frozenset(Status(word.strip()) for word in text.split(",")) if text else frozenset()
    except ValueError:
        raise UsageError(f"--retry {text}: there is no such status", hint=f"There are {', '.join(Status)}.") from None


def _nothing_left(folder: Path, before: Manifest, *, as_json: bool) -> int:
    if as_json:
        typer.echo(summary.as_json(before, folder))
    else:
        summary.show(before, folder, say.results)
        say.note("the run is finished; --retry failed,denied,unknown makes a new one of what did not end well")
    return int(before.exit_code or 0)


def _go_on(
    folder: Path, before: Manifest, given: Mapping[str, Any], console: Console | None, *,
    accept: bool, as_json: bool,
) -> int:  # fmt: skip
    job, laid = reloaded(before, given)
    task = find(job.task.name, job.path.parent)
    options = check_options(task, job.task.options, job.path.parent)
    listed = listed_in(folder, before, job, task)
    recovered = recover(RunDir(folder))
    carry_over(recovered.totals, before)
    credential = signed(job)

    async def main(observer: Observer) -> Ended:
        expected = await _count(listed, job)
        manifest = replace(
            pinned(job, task, options, laid), parent=before.parent, undo=before.undo, started=before.started,
            seconds=before.seconds, sums=before.sums, waits=before.waits,
        )  # fmt: skip
        if listed is not None:
            manifest = await asyncio.to_thread(measured, manifest, listed)
            await _accept(folder, differences(before, manifest), recovered, listed, accept=accept)
        introduce(job, decode(await credential.token()))
        say.note(f"{len(recovered.done):,} mailboxes are done already")
        doing = undoing(task) if before.undo else task
        run = Run(job, doing, options, credential, manifest, listed, expected, [observer], say.note, recovered)
        return await run.conduct(folder)

    with shown(console) as observer:
        ended = run_loop(main(observer))
    return conclude(ended, as_json=as_json)


async def _count(listed: FileSource | SpooledSource | None, job: Job) -> int:
    if isinstance(listed, SpooledSource):
        async for _ in listed:
            pass
        return listed.counts.unique
    return await survey(listed, empty_is_ok=job.output.empty_is_ok)


async def _accept(
    folder: Path, changes: list[Difference], recovered: Recovered, listed: FileSource | SpooledSource, *, accept: bool
) -> None:
    """Raises ConfigError for a run that is no longer what it was, unless that was accepted and can be."""
    if not changes:
        return
    if not accept:
        raise ConfigError(
            "\n".join(["the run is no longer what it was:", *map(str, changes)]),
            hint="Put it back, or read what changed and add --accept-changes; for a new run there is `bulkmail run`.",
        )
    if any(change.name.startswith(("output.", "mode", "app.")) for change in changes):
        raise ConfigError(
            "\n".join(["a run cannot change its application, its mode or its formats on the way:", *map(str, changes)]),
            hint="Put that back, or start a new run.",
        )
    if any(change.name.startswith("input.") for change in changes):
        await check_rows(RunDir(folder), recovered.done, listed)


def _again(
    folder: Path, before: Manifest, given: Mapping[str, Any], rows: Rows,
    console: Console | None, *, as_json: bool,
) -> int:  # fmt: skip
    job, laid = reloaded(before, given)
    task = find(job.task.name, job.path.parent)
    options = check_options(task, job.task.options, job.path.parent)
    listed = listed_in(folder, before, job, task)
    if before.undo or listed is None:
        raise UsageError(f"{folder} cannot be run again in part", hint="Start it anew.")
    credential, parent = signed(job), str(folder.resolve())

    async def main(observer: Observer) -> Ended:
        await _count(listed, job)
        manifest = replace(pinned(job, task, options, laid), parent=parent)
        known = await asyncio.to_thread(measured, manifest, listed)
        await _accept(
            folder, [one for one in differences(before, known) if one.name.startswith("input.")], Recovered(),
            listed, accept=False,
        )  # fmt: skip
        introduce(job, decode(await credential.token()))
        now = datetime.now().astimezone()
        with folders.open_folder(folders.name(job.output.directory, task.name, now)) as new:
            spooled = await spool(Only(listed, rows), new / folders.INPUT)
            run = Run(job, task, options, credential, manifest, spooled, spooled.counts.unique, [observer], say.note)
            return await run.conduct(new)

    with shown(console) as observer:
        ended = run_loop(main(observer))
    return conclude(ended, as_json=as_json)
