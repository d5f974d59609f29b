"""Sizes and SHA-256 of the files of a run, as its manifest has them."""

from collections.abc import Iterable
from hashlib import file_digest
from pathlib import Path

from bulkmail.model import Digest
from bulkmail.sink.appender import os_errors_as_output_error


def digest(file: Path) -> Digest:
    """Raises OutputError. Blocks: call it in a thread."""
    with os_errors_as_output_error(file), file.open("rb") as content:
        hashed = file_digest(content, "sha256").hexdigest()
        return Digest(content.tell(), hashed)


def digests(folder: Path, names: Iterable[str]) -> dict[str, Digest]:
    """Those of the files that exist, by name. Raises OutputError. Blocks: call it in a thread."""
    return {name: digest(folder / name) for name in names if (folder / name).exists()}
