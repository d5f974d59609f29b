"""The tenant of the acceptance tests: one application with the roles it needs, one without any, one unknown."""

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
    new_app,
    serving,
    write_job,
    write_list,
)
from tests.forked import Started, start

__all__ = ["BARE", "PASSWORD", "Desk", "Done", "Keys", "tenant"]

BARE = "6a1f0f5e-0000-4000-8000-000000000002"
"""An application without any permission."""

ROLES = ("MailboxSettings.Read", "User.ReadBasic.All", "GroupMember.Read.All")


@dataclass(frozen=True)
class Keys:
    """A registered key pair, and one that the tenant does not know."""

    folder: Path
    pairs: dict[str, App]

    @classmethod
    def make(cls, folder: Path) -> "Keys":
        return cls(folder, {name: new_app(folder, name, sealed=True) for name in ("app", "stranger")})


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

    def start(self, *arguments: str, feed: bool = False, largest: int = 0, anew: bool = False) -> Started:
        """`bulkmail run job.toml ARGUMENTS`."""
        return start(self.folder, "run", "job.toml", *arguments, feed=feed, largest=largest, anew=anew)

    def run(self, *arguments: str, text: str = "", largest: int = 0, anew: bool = False, folder: str = "out") -> Done:
        """The same to its end; `text` is its standard input, and `folder` the run directory that it makes."""
        started = self.start(*arguments, feed=bool(text), largest=largest, anew=anew)
        return started.finish(self.folder / folder, text)
