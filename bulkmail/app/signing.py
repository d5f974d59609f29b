"""Signs the manifest of a run that has ended, if the job wants it: `run.json.jws`, by the application's certificate.

The manifest has the digests of the files, so a signature over it is one over all of them.
"""

from dataclasses import replace
from pathlib import Path

from bulkmail import atomic
from bulkmail.app.ending import Ended
from bulkmail.app.prepare import Prepared
from bulkmail.errors import BulkmailError, OutputError
from bulkmail.identity.credential import Credential
from bulkmail.rundir.folder import SIGNATURE
from bulkmail.rundir.manifest import MANIFEST


def sign(prepared: Prepared, ended: Ended) -> Ended:
    """What is returned has failed if it could not be signed, unless it had failed before. Blocks."""
    credential = prepared.credential
    if not prepared.job.output.sign or not isinstance(credential, Credential) or credential.sign is None:
        return ended
    try:
        signature = credential.sign(_read(ended.folder / MANIFEST))
        atomic.replace(ended.folder / SIGNATURE, f"{signature}\n".encode())
    except BulkmailError as error:
        return replace(ended, failure=ended.failure or error)
    return ended


def unsigned(folder: Path) -> None:
    """Removes the signature of a run that goes on: it is of what the run was before. Raises OutputError."""
    path = folder / SIGNATURE
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot remove {path}: {error.strerror}", hint="Remove it by hand.") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror}") from None
