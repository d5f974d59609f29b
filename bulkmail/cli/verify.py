"""`bulkmail verify`: whether a run directory is what was written, and who signed it. Only reads."""

import json
from pathlib import Path
from typing import Annotated

import typer

from bulkmail.app.finding import exit_code
from bulkmail.app.verify import verify as findings_of
from bulkmail.cli import console as say
from bulkmail.cli.findings import show
from bulkmail.cli.flags import ForPrograms, RunDirectory
from bulkmail.rundir.folder import existing


def verify(
    run_dir: RunDirectory,
    *,
    certificate: Annotated[
        Path | None, typer.Option(help="Certificate that it has to be signed by: CER, PEM or DER.")
    ] = None,
    as_json: ForPrograms = False,
) -> None:
    """Verify a run directory: the digests of its files, the checksums of its journals, its blobs and its signature.

    A job with `output.sign = true` signs run.json, and by the digests in it all files, with the application's
    certificate, in run.json.jws (a detached JWS). Without --certificate only the signature itself is verified, and not
    who signed.

    Exit codes: 0 all is as written; 3 there is a warning; 7 something is not as written, or cannot be read.

    Examples:

      bulkmail verify out/settings.report-2026-11-23

      bulkmail verify out/settings.report-2026-11-23 --certificate contoso.cer
    """
    with say.exit_on_error():
        found = []
        for finding in findings_of(existing(run_dir), certificate):
            found.append(finding)
            if not as_json:
                show(finding, say.results)
    if as_json:
        told = {"directory": str(run_dir), "exit_code": exit_code(found), "checks": [one.as_json() for one in found]}
        typer.echo(json.dumps(told, indent=2))
    raise typer.Exit(exit_code(found))
