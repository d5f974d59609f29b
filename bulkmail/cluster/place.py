"""What a worker has at the place where it runs: its own files and environment, and the run directory if it sees that.

A worker on this machine sees the run directory, and so does one with the same disk mounted at the same path. Elsewhere
rows are spilled into a folder of the worker's own, and what is left beside the rows (blobs) needs a place that the job
names and the worker sees.
"""

import os
import tempfile
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import orjson
from pydantic import SecretStr

from bulkmail.app.compose import credential_of
from bulkmail.config import Job
from bulkmail.errors import OutputError
from bulkmail.identity.credential import Credential
from bulkmail.model import Mailbox
from bulkmail.rundir.folder import BLOBS, SPILLS
from bulkmail.rundir.manifest import MANIFEST
from bulkmail.sink.blobs import Blobs, MailboxBlobs, at_once
from bulkmail.sink.depot import Depot, depot_of
from bulkmail.sink.spill import Spills

SECRETS = ("certificate_password", "client_secret")
SHARED = "Set output.blobs to a folder that all workers have at the same path, or to an object store."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker puts what does not go to the coordinator at once."""

    spills: Spills
    blobs: Blobs


@contextmanager
def place(
    folder: Path,
    run: str,
    number: int,
    depot: Depot | None,
    allowed: Callable[[], Awaitable[None]] = at_once,
    hide: Callable[[str], str] | None = None,
) -> Iterator[Place]:
    """The place of the worker with this number, for the run with the id `run` in `folder`. Blobs go to the `depot`, if
    it is seen from here, and are written when `allowed` returns. Where addresses are to be hidden, rows are spilled
    elsewhere than in the run directory: here they still have them."""
    with ExitStack() as opened:
        if sees(folder, run) and hide is None:
            spills = folder / SPILLS / f"{number}-{token_hex(4)}"  # one that outlives its coordinator disturbs no other
        else:
            spills = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="bulkmail-"))) / SPILLS
        blobs = Nowhere(spills) if depot is None else depot.blobs(spills / BLOBS, hide or str, allowed)
        yield Place(Spills(spills), opened.enter_context(closing(blobs)))


def depot_seen(folder: Path, run: str, blobs: str) -> Depot | None:
    """Where that run has its blobs, if that is seen from here. Blocks."""
    depot = depot_of(folder / BLOBS, blobs, run)
    return depot if (depot.is_seen() if blobs else sees(folder, run)) else None


def sees(folder: Path, run: str) -> bool:
    """Whether `folder` is the directory of that run here, too, and not another one by the same name."""
    try:
        found = orjson.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("id") == run


class Nowhere(Blobs):
    """For a worker that sees no place for them."""

    def of(self, mailbox: Mailbox, committed: Collection[str] = ()) -> MailboxBlobs:  # noqa: ARG002
        raise OutputError("this task leaves blobs, and a worker does not see their place", hint=SHARED)


def own_credential(job: Job, environment: Mapping[str, str] = os.environ) -> Credential:
    """The one that a worker has itself, by the paths of the job and its own environment. Raises ConfigError."""
    return credential_of(with_own_secrets(job, environment))


def with_own_secrets(job: Job, environment: Mapping[str, str] = os.environ) -> Job:
    """The job with the secrets that a worker has itself, in place of those of the coordinator."""
    given = {key: environment.get(f"BULKMAIL_{key.upper()}", "") for key in SECRETS}
    secrets = {key: SecretStr(value) if value else None for key, value in given.items()}
    return job.model_copy(update={"app": job.app.model_copy(update=secrets)})


def without_secrets(job: Job) -> Job:
    """What of a job may travel."""
    return job.model_copy(update={"app": job.app.model_copy(update=dict.fromkeys(SECRETS))})
