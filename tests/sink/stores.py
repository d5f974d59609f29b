"""An object store in memory, as strict as real ones: nothing is appended, cut or moved, and errors tell secrets."""

from collections import Counter
from typing import Any, ClassVar

import fsspec
from fsspec.implementations.memory import MemoryFileSystem

SECRET = "s3cr3t-c4n4ry"


class Refused(Exception):
    """As libraries of stores have them: of a class of their own, with what was sent in the text."""


class Strict(MemoryFileSystem):  # type: ignore[misc]
    """`written` counts how often an object was written; `refuses` are calls that fail."""

    protocol = "strict"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    written: ClassVar[Counter[str]] = Counter()
    refuses: ClassVar[set[str]] = set()

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("strict://").strip("/")

    def _open(self, path: str, mode: str = "rb", **more: Any) -> Any:
        self._ask(mode)
        if mode != "rb":
            if mode != "wb":
                raise Refused(f"{mode} {SECRET}")
            self.written[path] += 1
        return super()._open(path, mode, **more)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **more: Any) -> Any:
        self._ask("rb")
        return super().cat_file(path, start, end, **more)

    def ls(self, path: str, detail: bool = True, **more: Any) -> Any:
        self._ask("ls")
        return super().ls(path, detail, **more)

    def rm_file(self, path: str) -> None:
        self._ask("rm")
        super().rm_file(path)

    def mv(self, *_: Any, **__: Any) -> None:
        raise Refused(SECRET)

    def _ask(self, call: str) -> None:
        if call in self.refuses:
            raise Refused(f"{call} with key {SECRET}")


fsspec.register_implementation("strict", Strict, clobber=True)
