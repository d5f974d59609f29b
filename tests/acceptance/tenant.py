"""The tenant of the acceptance tests: one application with the roles it needs, one without any, one unknown."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bulkmail.sim import Settings, Simulator
from bulkmail.testing.tenant import (
    CLIENT_ID,
    PASSWORD,
    App,
    Done,
    finish,
    new_app,
    serving,
    start,
    write_job,
    write_list,
)

__all__ = ["BARE", "PASSWORD", "Desk", "Done", "Keys", "tenant"]

BARE = "6a1f0f5e-0000-4000-8000-000000000002"
"""An application without any permission."""

ROLES = ("MailboxSettings.Read", "User.ReadBasic.All", "GroupMember.Read.All")

LIMITED = """
import resource, runpy, sys
largest = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
runpy.run_module("bulkmail", run_name="__main__")
"""
"""bulkmail in a process that may write no file larger than so many bytes: a disk that is full."""


@dataclass(frozen=True)
class Keys:
    """A registered key pair, and one that nobody knows."""

    folder: Path
    pairs: dict[str, App]

    @classmethod
    def make(cls, folder: Path) -> "Keys":
        return cls(folder, {name: new_app(folder, name) for name in ("app", "stranger")})


@contextmanager
def tenant(keys: Keys, settings: Settings) -> Iterator[Simulator]:
    """A simulator that answers until the block ends."""
    certificate = keys.pairs["app"].pem
    with serving(Simulator(settings)) as simulator:
        simulator.register(CLIENT_ID, certificate, roles=ROLES)
        simulator.register(BARE, certificate)
        yield simulator


@dataclass(frozen=True)
class Desk:
    """A folder with a job file; `folder/out` is the run directory."""

    folder: Path
    keys: Keys

    def write_job(self, simulator: Simulator, more: str = "", *, client: str = CLIENT_ID, key: str = "app") -> Path:
        return write_job(self.folder, simulator, self.keys.pairs[key], more, client_id=client)

    def write_list(self, rows: Sequence[str]) -> Path:
        return write_list(self.folder, rows)

    def start(self, *arguments: str, largest: int = 0, stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[str]":
        """`bulkmail run job.toml ARGUMENTS`; `largest` is the size in bytes that no file may pass."""
        program = ["-c", LIMITED, str(largest)] if largest else ["-m", "bulkmail"]
        return start(self.folder, *program, "run", "job.toml", *arguments, stdin=stdin)

    def finish(self, process: "subprocess.Popen[str]", text: str | None = None, folder: str = "out") -> Done:
        return finish(process, self.folder / folder, text)

    def run(self, *arguments: str, text: str | None = None, largest: int = 0, folder: str = "out") -> Done:
        stdin = subprocess.DEVNULL if text is None else subprocess.PIPE
        return self.finish(self.start(*arguments, largest=largest, stdin=stdin), text, folder)
