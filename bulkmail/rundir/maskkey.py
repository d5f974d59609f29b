"""The key of the digests that stand for mailboxes: a private file, made once, and the same for all runs of a job."""

from pathlib import Path
from secrets import token_hex

from bulkmail import atomic
from bulkmail.core.mask import Mask
from bulkmail.errors import ConfigError, OutputError

BYTES = 32


def made(path: Path) -> Mask:
    """The mask with the key in `path`, which is made if it is not there. Raises ConfigError and OutputError. Blocks."""
    try:
        atomic.create(path, f"{token_hex(BYTES)}\n".encode())
    except OutputError:
        if not path.exists():  # else it is that of an earlier run, or of one that began at the same time
            raise
    return Mask(_read(path))


def kept(path: str) -> Mask | None:
    """The mask of a run that goes on, with the key that it began with; None for one without. Raises ConfigError."""
    return Mask(_read(Path(path))) if path else None


def known(path: str) -> Mask | None:
    """The mask of a run that had its key in `path`; None for an empty one. Where the key is gone, all mailboxes are
    hidden alike. Blocks."""
    if not path:
        return None
    try:
        return Mask(_read(Path(path)))
    except ConfigError:
        return Mask()


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        key = b""
    if len(key) != BYTES:
        raise ConfigError(
            f"{path}: this is not a key of masks",
            hint="Put it back from a backup; with another one, each mailbox has another digest than before.",
        )
    return key
