"""File names that are safe on every system, made of texts that a mailbox may have chosen. Pure; knows no file."""

import re
from hashlib import sha256

LONGEST = 100
"""Letters of a name; file systems take 255 bytes."""

_UNSAFE = re.compile(r"[^a-z0-9._@+-]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")  # by Windows, with any suffix
_SUFFIX = re.compile(r"\.[a-z0-9]{1,10}$")


def safe_name(text: str) -> str:
    """`text` as the name of one file: lower case, without folders, never hidden, never longer than LONGEST.

    Texts that differ in more than case become different names: one that had to be altered gets a part of its SHA-256.
    """
    lower = text.lower()
    kept = _UNSAFE.sub("_", lower)
    if kept == lower and 0 < len(kept) <= LONGEST and kept[0] not in ".-" and kept[-1] != "." and not _reserved(kept):
        return kept
    suffix = found[0] if (found := _SUFFIX.search(kept)) else ""
    stem = kept.removesuffix(suffix).strip("._-")[: LONGEST - 24]
    digest = sha256(lower.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{stem}-{digest}{suffix}" if stem and not _reserved(stem) else f"file-{digest}{suffix}"


def _reserved(name: str) -> bool:
    return _RESERVED.match(name) is not None
