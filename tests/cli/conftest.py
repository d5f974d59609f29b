"""The real commands, in this process, against a small tenant: what they exit with, what they print, what they leave."""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bulkmail.cli import app
from bulkmail.sim import Settings
from bulkmail.sim.families.settings.content import settings_of
from bulkmail.testing.tenant import App, Done, Tenant, new_app, open_tenant, write_job, write_list

SMALL = Settings(mailboxes=12, seed=3, latency=0.0, absent=0.0, denied=0.0, moving=0.0)
ZONE = "W. Europe Standard Time"
LIST = '[input]\npath = "mailboxes.csv"\n'
REPORT = f'{LIST}\n[task]\nname = "settings.report"\n'
APPLY = f'{LIST}\n[task]\nname = "settings.apply"\ntime_zone = "{ZONE}"\n'


@dataclass(frozen=True)
class Desk:
    """A folder with a list of mailboxes and a job file, and the tenant that they are about."""

    folder: Path
    tenant: Tenant

    def job(self, more: str, **app: str) -> Path:
        """Writes the job file; `app` are settings of `[app]` that it has instead."""
        path = write_job(self.folder, self.tenant.simulator, self.tenant.app, more)
        for key, value in app.items():
            lines = [
                f'{key} = "{value}"' if line.startswith(f"{key} =") else line for line in path.read_text().split("\n")
            ]
            path.write_text("\n".join(lines))
        return path

    def mailboxes(self, addresses: list[str]) -> None:
        write_list(self.folder, addresses)

    def bulkmail(self, *arguments: str | Path, out: str = "out") -> Done:
        """`bulkmail ARGUMENTS`; `out` is the run directory that is looked at."""
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr, self.folder / out)

    def zones(self) -> list[Any]:
        world, numbers = self.tenant.simulator.world, range(len(self.tenant.addresses()))
        return [settings_of(world, number)["timeZone"] for number in numbers]

    def writes(self) -> int:
        """Requests that changed something, of all runs so far."""
        routes = self.tenant.books()["routes"]
        return sum(sum(codes.values()) for route, codes in routes.items() if not route.startswith("GET "))

    def edit(self, done: Done, **members: Any) -> None:
        """Changes members of a run's manifest."""
        path = done.folder / "run.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | members))


@pytest.fixture(scope="session")
def key_pair(tmp_path_factory: pytest.TempPathFactory) -> App:
    return new_app(tmp_path_factory.mktemp("app"))


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Of the tenant; a file of tests may have another one."""
    return SMALL


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, key_pair: App, settings: Settings) -> Iterator[Tenant]:
    with open_tenant(tmp_path_factory.mktemp("tenant"), settings, key_pair) as tenant:
        yield tenant


@pytest.fixture
def desk(shared: Tenant, tmp_path: Path, as_before: None) -> Desk:
    """For tests that only read: the tenant is shared by the tests of a file."""
    write_list(tmp_path, shared.addresses())
    return Desk(tmp_path, shared)


@pytest.fixture
def own(tmp_path: Path, key_pair: App, settings: Settings, as_before: None) -> Iterator[Desk]:
    """For tests that write: a tenant of its own."""
    with open_tenant(tmp_path, settings, key_pair) as tenant:
        write_list(tmp_path, tenant.addresses())
        yield Desk(tmp_path, tenant)


@pytest.fixture
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No variable of ours, and the log afterwards where it was."""
    for name in [name for name in os.environ if name.startswith("BULKMAIL_")]:
        monkeypatch.delenv(name)
    root, ours = logging.getLogger(), logging.getLogger("bulkmail")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
