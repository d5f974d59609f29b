"""Members of a tar archive with PAX names, one by one, so that an archive can grow while it is written. Pure.

POSIX.1-2001, "pax Interchange Format". The names of members are made of what a mailbox holds, which is hostile: none of
them leaves the folder that it is unpacked in. What the service calls things stands in the comment of a member.
"""

import json
import re
from calendar import timegm
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from tarfile import BLOCKSIZE, DEFAULT_FORMAT, PAX_FORMAT, TarInfo
from time import strptime
from urllib.parse import quote

from bulkmail.tasks.items.folders import names_of
from bulkmail.tasks.items.item import Item

assert DEFAULT_FORMAT == PAX_FORMAT  # noqa: S101
END = bytes(2 * BLOCKSIZE)
"""What stands behind the last member."""

LONGEST = 200
"""Bytes of one name; file systems take 255."""

_NO_DIGEST = "0" * 64
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/%]|[. ]$|^[. ]')
_ID = re.compile(r"[A-Za-z0-9=_-]{20,190}")  # as ids are: safe as it is, and no reserved name is as long
# Refused by Windows, with any suffix:
_RESERVED = re.compile(
    r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)", re.IGNORECASE
)  # by Windows


@dataclass(frozen=True)
class Member:
    """The frame of one item's stream in an archive; `model.Frame`."""

    item: Item

    @cached_property
    def name(self) -> str:
        """The id is followed by a part of its digest: ids differ in case alone, and so would the files on a system
        that takes these for one."""
        digest = sha256(self.item.id.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        return f"{folder_name(self.item.folder.path)}/{_safe(self.item.id)}~{digest}.fts"

    @cached_property
    def head(self) -> int:
        return len(self._header(0, _NO_DIGEST))

    def around(self, size: int, sha256: str) -> tuple[bytes, bytes]:
        return self._header(size, sha256), bytes(-size % BLOCKSIZE)

    def _header(self, size: int, sha256: str) -> bytes:
        info = TarInfo(self.name)
        info.size, info.mode, info.mtime = min(size, _OCTAL), 0o600, seconds_of(self.item.modified)
        info.pax_headers = {"comment": self._comment(sha256)}
        return info.tobuf(PAX_FORMAT)

    def _comment(self, sha256: str) -> str:
        """As JSON, in the one record of the format that every tool passes over."""
        item = self.item
        told = {"folder": item.folder.path, "item": item.id, "change_key": item.change_key, "type": item.type}
        return json.dumps({**told, "sha256": sha256})


_OCTAL = 8**11 - 1  # bytes; no item is as large


@lru_cache(1024)
def folder_name(path: str) -> str:
    """A path of folders as one of a file system."""
    return "/".join(map(_safe, names_of(path))) or "_"


def _safe(name: str) -> str:
    """One name: what could mean something to a file system is percent-encoded."""
    if _ID.fullmatch(name):
        return name
    plain = name.encode("utf-8", "replace").decode()
    safe = "".join(
        c if c.isprintable() else quote(c) for c in _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", plain)
    )
    if _RESERVED.match(safe):
        safe = f"%{ord(safe[0]):02X}{safe[1:]}"
    if len(safe.encode()) <= LONGEST:
        return safe
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{safe.encode()[: LONGEST - 16].decode('utf-8', 'ignore')}~{digest}"


def seconds_of(moment: str) -> int:
    """Seconds since 1970 of a moment as the service writes it; 0 for another text."""
    try:
        return max(0, timegm(strptime(moment[:19], "%Y-%m-%dT%H:%M:%S")))
    except ValueError:
        return 0
