"""The files that a run of attachments.save has left, read and verified. Blocks: the caller brings a thread."""

from hashlib import sha256
from pathlib import Path

from bulkmail.tasks.attachments.options import Saved

CHUNK = 1 << 20


def is_whole(folder: Path, one: Saved) -> bool:
    """Whether the content lies there, byte for byte, as it was saved."""
    found, left = sha256(), one.bytes
    try:
        with (folder / one.path).open("rb") as file:
            file.seek(one.offset)
            while left and (chunk := file.read(min(left, CHUNK))):
                found.update(chunk)
                left -= len(chunk)
    except OSError:
        return False
    return left == 0 and found.hexdigest() == one.sha256


def piece(folder: Path, one: Saved, start: int, length: int) -> bytes:
    """Bytes of the content. Raises OSError."""
    with (folder / one.path).open("rb") as file:
        file.seek(one.offset + start)
        return file.read(min(length, one.bytes - start))
