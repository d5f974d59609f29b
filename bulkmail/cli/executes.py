"""Commands that execute a run: the options that all of them have, declared once, and the way to the exit code."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from bulkmail.cli import console as say
from bulkmail.cli.against import require_run
from bulkmail.cli.execute import Work, execute
from bulkmail.cli.flags import MaxDuration
from bulkmail.cli.groups import grouped
from bulkmail.cli.metering import Metering
from bulkmail.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """The options of all of them."""

    max_changes: Annotated[int | None, typer.Option(help="Stop an apply before it makes one change more.", min=0)] = (
        None
    )
    max_duration: MaxDuration = ""
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until other runs with this application on this host have ended.")
    ] = False
    workers: Annotated[
        int | None,
        typer.Option("--workers", help="Share the work between so many processes on this machine (needs Dask).", min=0),
    ] = None
    scheduler: Annotated[
        str,
        typer.Option(
            "--scheduler",
            help="Share it between the workers of a Dask cluster: its address or file.",
            metavar="ADDRESS",
        ),
    ] = ""
    metrics: Annotated[
        Path | None,
        typer.Option(
            "--metrics", help="Write metrics for Prometheus' textfile collector: name it *.prom.", metavar="FILE"
        ),
    ] = None
    metrics_listen: Annotated[
        str,
        typer.Option("--metrics-listen", help="Serve metrics while it runs, as at 127.0.0.1:9464.", metavar="ADDRESS"),
    ] = ""
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Log lines in place of the moving line.")] = False
    log_json: Annotated[bool, typer.Option("--log-json", help="Log as JSON lines.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False

    @property
    def settings(self) -> dict[str, Any]:
        """What they mean as settings of a job."""
        return {
            "limits.max_changes": self.max_changes, "limits.max_duration": self.max_duration,
            "limits.wait": self.wait or None, "cluster.workers": self.workers,
            "cluster.scheduler": self.scheduler,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared(Usual):
    """And that of those that may do what an earlier run did."""

    against: Annotated[
        str, typer.Option(help="Show in what it differs from this run: a directory, or `previous`.", metavar="RUN")
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """The options of those that plan or apply."""

    apply: Annotated[bool, typer.Option("--apply", help="Change mailboxes; otherwise changes are only planned.")] = (
        False
    )
    plan: Annotated[bool, typer.Option("--plan", help="Only plan, which is what happens anyway.")] = False

    @property
    def applies(self) -> bool | None:
        """What was said about changing mailboxes; None where nothing was. Raises UsageError where both were."""
        if self.apply and self.plan:
            raise UsageError("--apply and --plan exclude each other", hint="Give one of them.")
        return self.apply if self.apply or self.plan else None


def executes(command: Callable[..., Work]) -> Callable[..., None]:
    """A command that says what is to be executed, and has a parameter `usual`: Usual or Compared."""

    @wraps(command)
    def called(*, usual: Usual, **own: Any) -> None:
        say.log_to_stderr(as_json=usual.log_json)
        against = usual.against if isinstance(usual, Compared) else ""
        with say.exit_on_error():
            require_run(against)
            code = execute(
                command(usual=usual, **own), hidden=usual.no_progress or usual.log_json, as_json=usual.as_json,
                metering=Metering(usual.metrics, usual.metrics_listen), against=against,
            )  # fmt: skip
        raise typer.Exit(code)

    return grouped(called)
