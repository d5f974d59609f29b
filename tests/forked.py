"""bulkmail as a process of its own, forked from one that has imported it: nine tenths of a short run are its imports.

The child runs the real `bulkmail.cli.main` in its folder, with its own files as standard output and error. What is not
the same: `os._exit` ends it, not an interpreter that takes itself down. Started `anew`, it is that interpreter.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

from bulkmail.cli import main
from bulkmail.testing.tenant import PATIENCE, Done

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])
_numbers = count()


def start(folder: Path, *arguments: str, anew: bool = False, feed: bool = False, largest: int = 0) -> "Started":
    """`bulkmail ARGUMENTS` in `folder`, deaf to the BULKMAIL_ variables of this process.

    With `feed` its standard input is a pipe; `largest` is the size in bytes that no file may pass, as on a full disk.
    """
    said = folder / f"said-{next(_numbers)}"
    reader, writer = FORKS.Pipe(duplex=False) if feed else (None, None)
    process = FORKS.Process(target=_be, args=(folder, said, reader, largest, anew, arguments))
    process.start()
    if reader:
        reader.close()
    return Started(process, said, writer)


def run(folder: Path, *arguments: str, out: str = "out", anew: bool = False) -> Done:
    """`bulkmail ARGUMENTS`; `out` is the run directory that it makes."""
    return start(folder, *arguments, anew=anew).finish(folder / out)


@dataclass(frozen=True, slots=True)
class Started:
    """A process, and what it was given to say things to."""

    process: multiprocessing.context.ForkServerProcess
    said: Path
    input: Connection | None = None

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    @property
    def out(self) -> str:
        return _text(self.said.with_suffix(".out"))

    @property
    def err(self) -> str:
        return _text(self.said.with_suffix(".err"))

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def until(self, holds: Callable[[], bool]) -> None:
        """Waits for what it has to do; fails when it ends before that, or takes too long."""
        latest = time.monotonic() + PATIENCE
        while True:
            lives = self.process.is_alive()  # asked before: it may do what it has to, and end
            if holds():
                return
            assert lives, self.err
            assert time.monotonic() < latest, self.err
            time.sleep(0.02)

    def wait(self) -> int:
        """The exit code; one that hangs is killed."""
        self.process.join(PATIENCE)
        if self.process.exitcode is None:
            self.kill()
            raise AssertionError(f"it hung: {self.err}")
        return self.process.exitcode

    def finish(self, folder: Path, text: str = "") -> Done:
        """What came of it, once it has read `text`; `folder` is its run directory."""
        if self.input:
            if text:
                os.write(self.input.fileno(), text.encode())
            self.input.close()
        return Done(self.wait(), self.out, self.err, folder)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _be(folder: Path, said: Path, feed: Connection | None, largest: int, anew: bool, arguments: Sequence[str]) -> None:
    """The child: becomes bulkmail."""
    for name in [name for name in os.environ if name.startswith("BULKMAIL_")]:
        del os.environ[name]
    os.chdir(folder)
    os.dup2(feed.fileno() if feed else os.open(os.devnull, os.O_RDONLY), 0)
    for number, suffix in (1, ".out"), (2, ".err"):
        os.dup2(os.open(said.with_suffix(suffix), os.O_WRONLY | os.O_CREAT, 0o600), number)
    if largest:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    if anew:
        os.execv(sys.executable, [sys.executable, "-m", "bulkmail", *arguments])
    sys.argv = ["bulkmail", *arguments]
    main()
