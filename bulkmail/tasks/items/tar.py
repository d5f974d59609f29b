"""Members of a tar archive with PAX names, one by one, so that an archive can grow while it is written. Pure.

POSIX.1-2001, "pax Interchange Format". The names of members are made of what a mailbox holds, which is hostile: none of
them leaves the folder that it is unpacked in. What the service calls things stands in the comment of a member.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from hashlib import sha256
from struct import Struct
from urllib.parse import quote

from bulkmail.tasks.items.folders import names_of
from bulkmail.tasks.items.item import Item

BLOCKSIZE = 512
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
        """What `tarfile` makes of it, in a tenth of the time."""
        records = _record("path", self.name) + _record("comment", self._comment(sha256))
        name, moment = self.name.encode("ascii", "replace"), seconds_of(self.item.modified)
        return b"".join((
            _block(b"././@PaxHeader", len(records), 0, b"x"), records, bytes(-len(records) % BLOCKSIZE),
            _block(name, size, moment, b"0"),
        ))  # fmt: skip

    def _comment(self, sha256: str) -> str:
        """As JSON, in the one record of the format that every tool passes over."""
        item = self.item
        told = {"folder": item.folder.path, "item": item.id, "change_key": item.change_key, "type": item.type}
        return json.dumps({**told, "sha256": sha256})


def _block(name: bytes, size: int, moment: int, kind: bytes) -> bytes:
    """A header of POSIX.1-1988: what does not fit is cut, and stands in a record before it."""
    fields = _FIELDS.pack(
        name, b"0000600", b"0000000", b"0000000", b"%011o" % min(size, _OCTAL), b"%011o" % min(moment, _OCTAL),
        b" " * 8, kind, b"ustar", b"00",
    )  # fmt: skip
    return fields[:148] + b"%06o\0 " % sum(fields) + fields[156:]


def _record(name: str, value: str) -> bytes:
    """An extended one. Its length is counted with its own digits."""
    rest = f" {name}={value}\n".encode()
    size = len(rest) + 1
    while size != len(rest) + len(str(size)):
        size = len(rest) + len(str(size))
    return b"%d%b" % (size, rest)


_FIELDS = Struct("100s8s8s8s12s12s8sc100x6s2s247x")
_OCTAL = 8**11 - 1  # bytes, and seconds; no item is as large


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
        return max(0, int(datetime.fromisoformat(moment[:19]).replace(tzinfo=UTC).timestamp()))
    except ValueError:
        return 0
