"""Files that rows name: read below one folder, and nowhere else. Everything here blocks.

A row is data, and its path is not trusted: none leads out of the folder, through a link or otherwise, and what is not a
plain file is not opened, since it may never end.
"""

from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from bulkmail.errors import Damaged


class Below:
    """The files below `root`, by paths from `base` on; without one, from the root on."""

    def __init__(self, root: Path, base: Path | None = None) -> None:
        self._root = root
        self._base = root if base is None else base

    def __repr__(self) -> str:
        return f"<Below {self._root}>"

    def path(self, name: str) -> Path:
        """Raises Damaged, and OSError for what is not there."""
        root = self._root.resolve()
        try:
            path = (self._base.resolve() / name).resolve()
        except (RuntimeError, ValueError):  # links that go round, and what no file can be called
            raise Damaged(f"{name!r} is not the name of a file") from None
        if not path.is_relative_to(root) or not name:
            raise Damaged(f"a row names the file {name!r}, which is not in {self._root.name}")
        if not S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise Damaged(f"{name!r} is not a file")
        return path

    def open(self, name: str) -> BinaryIO:
        """To be read. Raises as `path`."""
        return self.path(name).open("rb")
