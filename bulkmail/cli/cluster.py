"""`bulkmail cluster`: looks at the workers that a run would be shared between. A line a worker."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated

import typer

from bulkmail.app.finding import Finding, exit_code
from bulkmail.app.loop import run as run_loop
from bulkmail.cli import console as say
from bulkmail.cli.findings import show
from bulkmail.cli.flags import JobFile, Settings, flags
from bulkmail.config import Job, load
from bulkmail.errors import ConfigError

app = typer.Typer(
    help="Look at the workers that a run would be shared between.", no_args_is_help=True, add_completion=False
)


@app.callback()
def cluster() -> None:
    """Look at the workers that a run would be shared between."""


@app.command()
def check(
    job_file: JobFile,
    *,
    workers: Annotated[int | None, typer.Option(help="So many processes on this machine.", min=1)] = None,
    scheduler: Annotated[
        str, typer.Option(help="The workers of a Dask cluster: its address or file.", metavar="ADDRESS")
    ] = "",
    settings: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with all checks of each worker.")] = False,
) -> None:
    """Check each worker before a run: a line a worker, PASS, WARN or FAIL, with what to do. Writes nothing anywhere.

    Each is asked for its versions of bulkmail and Python, whether it reaches this process and Graph, whether it has
    the job's task and authorities, whether it sees the place for blobs if the task leaves any, and what time it is
    there. Where workers sign in themselves, they do so, with the certificate that they have.

    Exit codes: 0 all passed; 3 there is a warning; else the code that a run would end with.

    Examples:

      bulkmail cluster check export.toml --workers 4

      bulkmail cluster check export.toml --scheduler tls://scheduler.contoso.example:8786

      bulkmail cluster check export.toml --scheduler scheduler.json --json
    """
    say.log_to_stderr(as_json=False)
    with say.exit_on_error():
        given = flags(settings, {"cluster.workers": workers, "cluster.scheduler": scheduler})
        tell = _ignore if as_json else _show
        found = run_loop(_checked(load(job_file, flags=given), tell))
    code = exit_code(one for one, _ in found)
    if as_json:
        listed = [one.as_json() | {"checks": [each.as_json() for each in all_]} for one, all_ in found]
        typer.echo(json.dumps({"job": str(job_file), "exit_code": code, "workers": listed}, indent=2))
    raise typer.Exit(code)


async def _checked(job: Job, tell: Callable[[Finding], None]) -> Sequence[tuple[Finding, Sequence[Finding]]]:
    try:
        from bulkmail.cluster.check import check as findings_of  # noqa: PLC0415 - Dask, which nothing else needs
    except ImportError as error:
        raise ConfigError(
            f"workers need Dask, and it is not installed: {error}", hint="Run: pip install 'bulkmail[cluster]'"
        ) from None
    return await findings_of(job, tell)


def _show(worker: Finding) -> None:
    show(replace(worker, check="worker", text=f"{worker.check}: {worker.text}"), console=say.results)


def _ignore(_finding: Finding) -> None:
    """For a telling that is made of all of them at the end."""
