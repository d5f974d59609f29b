"""Verifies a run directory: files are what the manifest says, journals are what was written, and who signed.

Only reads. Findings are those of the checks; each is made whatever the others find.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from bulkmail.app.finding import Finding, failed, passed, refused, skipped, warned
from bulkmail.errors import BulkmailError, Damaged, InputError, OutputError
from bulkmail.identity.certificate import Certificate
from bulkmail.identity.jws import LARGEST, signer
from bulkmail.identity.keyfile import load_certificate
from bulkmail.model import Digest
from bulkmail.rundir.folder import BLOBS, CHANGES, SIGNATURE
from bulkmail.rundir.manifest import MANIFEST
from bulkmail.rundir.reader import RunDir
from bulkmail.sink.depot import Depot, depot_of
from bulkmail.text import counted, few, one_line

FEW = 3
"""Files or blobs that a line names."""

BACKUP = "Put the files back from a backup, or run anew: what this directory says cannot be relied on."
ACCESS = "Give the account that bulkmail runs as the right to read there, and look at the disk."
SEEN = "Verify it on a machine that sees the place that output.blobs of its job names."
NOT_THERE = (FileNotFoundError, NotADirectoryError)
NONE = "the run has none"
PART = 1 << 20
PLACES = ("path", "file")
"""The columns in which a row names the file of a blob; `offset` (0 without it), `bytes` and `sha256` say which part."""


@dataclass(frozen=True, slots=True)
class Verification:
    """A run directory, and the certificate that its signature is to be of; None where none was given."""

    run: RunDir
    trusted: Path | None = None


def verify(folder: Path, trusted: Path | None = None) -> Iterator[Finding]:
    """The findings on the run in `folder`, as they are made. Blocks."""
    verification = Verification(RunDir(folder), trusted)
    for name, look in LOOKS.items():
        try:
            finding = look(verification)
        except BulkmailError as error:
            finding = refused(error)
        except OSError as error:
            finding = refused(unreadable(error, folder))
        yield replace(finding, check=name)


def unreadable(error: OSError, folder: Path) -> OutputError:
    """What the system says of a file that it does not let us read; without a name, of the `folder`."""
    text = f"{error.filename or folder}: {error.strerror}" if error.strerror else str(error)
    return OutputError(f"cannot read {text}", hint=ACCESS)


def _manifest(one: Verification) -> Finding:
    manifest = one.run.manifest
    text = f"{manifest.task}, {manifest.mode}, {manifest.state}, begun {manifest.started}"
    if manifest.state == "running":
        return warned(text, "It is under way, or was killed: the digests of its files are not written yet.")
    return passed(text, state=manifest.state)


def _files(one: Verification) -> Finding:
    outputs = one.run.manifest.outputs
    wrong = [one_line(name) for name, known in outputs.items() if not is_file(one.run.path, name, known)]
    if wrong:
        text = f"{len(wrong)} of {counted(len(outputs), 'file')} not as written: {few(wrong, FEW)}"
        return failed(text, BACKUP, Damaged.exit_code, wrong=wrong)
    return passed(f"{counted(len(outputs), 'file')} as written, by size and SHA-256", files=list(outputs))


def _journals(one: Verification) -> Finding:
    """Every line carries a checksum of itself and of its place."""
    manifest = one.run.manifest
    found = Counter(str(outcome.status) for outcome in one.run.outcomes())
    changes = sum(1 for _ in one.run.changes()) if (one.run.path / CHANGES).exists() else 0
    told = {status: number for status, number in manifest.statuses.items() if number}
    text = f"{counted(found.total(), 'outcome')}, {counted(changes, 'entry', 'entries')} of changes"
    if manifest.state != "running" and told != dict(found):
        return failed(f"{text}; the manifest has {sum(told.values()):,}", BACKUP, Damaged.exit_code)
    return passed(text, outcomes=found.total(), changes=changes)


def _blobs(one: Verification) -> Finding:
    """Those that rows name with their digest. Those of a task that leaves none may name the files of another run, also
    where there is a place for them: each run makes its own there."""
    manifest = one.run.manifest
    depot = depot_of(one.run.path / BLOBS, manifest.output.blobs, manifest.id)
    is_seen, leaves = depot.is_seen(), leaves_blobs(one.run)
    if leaves is False:
        return skipped(NONE)
    if not is_seen and manifest.output.blobs:
        return warned(f"{depot.name} is not seen from here", SEEN)
    if not is_seen and leaves is None:
        return skipped(NONE)
    number, wrong = 0, list[str]()
    for row in one.run.records():
        place = next((str(row[name]) for name in PLACES if row.get(name)), "")
        if place and row.get("sha256"):
            number += 1
            if not is_blob(depot, place, row):
                wrong.append(one_line(place))
    if wrong:
        text = f"{len(wrong)} of {counted(number, 'blob')} not as written: {few(wrong, FEW)}"
        return failed(text, BACKUP, Damaged.exit_code, wrong=wrong)
    if not is_seen and not number:
        return skipped(NONE)
    return passed(f"{counted(number, 'blob')} as written, by SHA-256", blobs=number)


def _signature(one: Verification) -> Finding:
    path = one.run.path / SIGNATURE
    if not path.is_file():
        if one.trusted is not None:
            return failed("there is none", "output.sign = true makes one at the end of a run.", Damaged.exit_code)
        return skipped("there is none: output.sign = true makes one at the end of a run")
    certificate = signer(_text(path), (one.run.path / MANIFEST).read_bytes())
    text = f"of {MANIFEST} as it is, by {one_line(certificate.subject)}, SHA-1 {certificate.sha1}"
    return _judged(text, certificate, one.trusted)


def _judged(text: str, certificate: Certificate, trusted: Path | None) -> Finding:
    facts = {"sha1": certificate.sha1, "sha256": certificate.sha256}
    if trusted is None:
        hint = "Anyone can make a certificate: give --certificate FILE.cer with that of your application."
        return warned(text, hint, **facts)
    if load_certificate(trusted).der != certificate.der:
        return failed(f"{text}, which is not {trusted}", BACKUP, Damaged.exit_code, **facts)
    return passed(f"{text}, which is {trusted}", **facts)


LOOKS: Mapping[str, Callable[[Verification], Finding]] = {
    "manifest": _manifest,
    "files": _files,
    "journals": _journals,
    "blobs": _blobs,
    "signature": _signature,
}
"""All of them, in their order."""


def leaves_blobs(run: RunDir) -> bool | None:
    """Whether the task of a run leaves blobs with its options; None where that is not known."""
    from bulkmail.tasks import our_own  # noqa: PLC0415 - brings all that tasks need, for few runs

    if run.manifest.undo:
        return False
    task = our_own(run.manifest.task)
    try:
        return None if task is None else task.leaves_blobs(run.options(task))
    except InputError:  # they were those of another version of it
        return None


def is_file(folder: Path, name: str, known: Digest) -> bool:
    """Whether a file of the run is what the manifest says. A manifest is data, too: a name that leads elsewhere, or to
    what is not a plain file and may never end, is not one of its files. Raises OSError for a file that cannot be read,
    of which nothing is known."""
    path = folder / name
    try:
        if Path(name).name != name or not path.is_file() or path.stat().st_size != known.bytes:
            return False
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest() == known.sha256
    except (*NOT_THERE, ValueError):
        return False


def is_blob(depot: Depot, place: str, row: Mapping[str, Any]) -> bool:
    """Whether what lies at `place` is what the row says. A row is data: a path that leaves the blobs is not one. Raises
    OSError for one that cannot be read, of which nothing is known."""
    try:
        start, left, digest = int(row.get("offset") or 0), int(row["bytes"]), sha256()
        with depot.open(place) as file:
            file.seek(start)
            while left > 0 and (part := file.read(min(PART, left))):
                digest.update(part)
                left -= len(part)
    except (*NOT_THERE, ValueError, TypeError, KeyError, Damaged):
        return False
    return left == 0 and digest.hexdigest() == row["sha256"]


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(LARGEST).decode("ascii", "replace")
