"""A rehearsal tenant on a thread of its own, and bulkmail run against it: in this process, or as a shell starts it.

    with open_tenant(tmp_path, Settings(mailboxes=50)) as tenant:
        done = tenant.run("kind.py:kind", tmp_path / "job")
        assert done.code == 0
        assert done.rows[0]["kind"] == "user"
        assert tenant.books()["breaches"] == {}

Needs no pytest; `bulkmail.testing.fixtures` has the same as a fixture.
"""

import asyncio
import io
import json
import logging
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from bulkmail.app.begin import begin
from bulkmail.app.ending import Ended
from bulkmail.app.loop import run as run_loop
from bulkmail.app.sweeping import Sweeping, alone
from bulkmail.config import load
from bulkmail.errors import BulkmailError
from bulkmail.identity.issue import new_key_pair, to_pem, to_pfx
from bulkmail.identity.secret import Secret
from bulkmail.identity.vault import PRIVATE, write
from bulkmail.sim import Settings, Simulator, every_role

CLIENT_ID = "6a1f0f5e-0000-4000-8000-000000000001"
PASSWORD = "pass-c4n4ry-9b1d"  # noqa: S105 - guards a key that no real tenant knows
PATIENCE = 120  # seconds that a command may take
Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class App:
    """An application's key pair in files; `pem` is the public certificate."""

    certificate: Path
    pem: bytes
    password_file: Path | None = None


def new_app(folder: Path, name: str = "app", *, sealed: bool = False) -> App:
    """Makes `name.pem`, for its owner alone. Raises OutputError.

    Sealed, it is `name.pfx` and `name.pass`: to open that takes a tenth of a second, on purpose.
    """
    pair = new_key_pair(f"CN={name}", days=90, key_size=2048)
    public = pair.certificate.pem.encode()
    if not sealed:
        app = App(folder / f"{name}.pem", public)
        write(app.certificate, to_pem(pair, None), PRIVATE)
        return app
    app = App(folder / f"{name}.pfx", public, password_file := folder / f"{name}.pass")
    write(app.certificate, to_pfx(pair, name, Secret(PASSWORD)), PRIVATE)
    write(password_file, f"{PASSWORD}\n".encode(), PRIVATE)
    return app


def write_job(
    folder: Path, simulator: Simulator, app: App, more: str = "", *, client_id: str = CLIENT_ID, name: str = "job.toml"
) -> Path:
    """A job file whose results go to `folder/out`; `more` is TOML that has the other tables."""
    given = {
        "tenant_id": simulator.tenant_id,
        "client_id": client_id,
        "certificate": str(app.certificate),
        "certificate_password_file": str(app.password_file or ""),
        "cloud": "custom",
        "login": simulator.login_url,
        "graph": simulator.graph_url,
        "ca_file": str(simulator.ca_file),
    }
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in given.items()]
    path = folder / name
    text = "\n".join(
        ["# Written by bulkmail.testing", "[app]", *lines, "", "[output]", 'directory = "out"', "", more, ""]
    )
    path.write_text(text, encoding="utf-8")
    return path


def in_toml(value: Any) -> str:
    """A text, number, truth value, list or table as TOML has it in one line."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(key)} = {in_toml(one)}' for key, one in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(in_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def write_list(folder: Path, addresses: Iterable[str]) -> Path:
    path = folder / "mailboxes.csv"
    path.write_text("mailbox\n" + "".join(f"{address}\n" for address in addresses), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Done:
    """What came of a run; `folder` is its directory, which a run that failed early did not make. `out` is empty for a
    run in this process: `manifest` has what a command prints."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def manifest(self) -> Json:
        found: Json = json.loads((self.folder / "run.json").read_bytes())
        return found

    @property
    def rows(self) -> list[Json]:
        return self.lines("records.ndjson")

    def lines(self, name: str) -> list[Json]:
        return [json.loads(line) for line in (self.folder / name).read_bytes().splitlines()]

    def statuses(self) -> dict[str, str]:
        """Mailbox to the status that it ended in."""
        return {line["mailbox"]: line["status"] for line in self.lines("outcomes.ndjson") if "status" in line}


@dataclass(frozen=True, slots=True)
class Tenant:
    """A running simulator and an application that it knows, with every permission until `grant` says otherwise."""

    simulator: Simulator
    app: App

    def grant(self, *roles: str) -> None:
        """The application has these permissions only, as of the next token."""
        self.simulator.register(CLIENT_ID, self.app.pem, roles=roles)

    def addresses(self, limit: int | None = None) -> list[str]:
        return list(self.simulator.addresses(limit))

    def books(self) -> Json:
        """What the simulator saw of all runs so far."""
        return self.simulator.books()

    def contents(self, kind: str, address: str = "") -> list[Json]:
        """What a mailbox holds, or every one that was written to: `contacts`, `sent`, `settings`, …"""
        return self.simulator.contents(kind, address)

    def effects(self, key: str) -> dict[str, int]:
        """How often something with this key was written: number of the mailbox and route to the count."""
        return self.simulator.effects(key)

    def run(
        self,
        task: str,
        folder: Path,
        *arguments: str,
        addresses: Iterable[str] | None = None,
        options: Json | None = None,
        settings: Mapping[str, Any] | None = None,
        sweeping: Sweeping = alone,
    ) -> Done:
        """Runs a task (a name, or `file.py:function` relative to the current directory) against all mailboxes or these,
        deaf to the BULKMAIL_ variables of this process. `settings` are laid over the job, such as
        `{"task.apply": True}`.

        The run is made in this process, on a thread of its own, by `sweeping`; with `arguments`, those of
        `bulkmail run`, it is a process of its own. `folder` gets the job and, in `out`, the results. Raises
        TimeoutError when it takes more than 120 seconds.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path, colon, function = task.rpartition(":")
        named = {"name": f"{Path(path).resolve()}:{function}" if colon else task, **(options or {})}
        table = "\n".join(f"{key} = {in_toml(value)}" for key, value in named.items())
        listed = write_list(folder, self.simulator.addresses() if addresses is None else addresses)
        job = write_job(folder, self.simulator, self.app, f'[input]\npath = "{listed.name}"\n\n[task]\n{table}')
        if arguments:
            flags = [f"--set={key}={json.dumps(value)}" for key, value in (settings or {}).items()]
            return _run_apart(folder, [job.name, *flags, *arguments])
        with ThreadPoolExecutor(1, "run") as thread:
            return thread.submit(_run_here, job.resolve(), dict(settings or {}), sweeping).result()


def _run_apart(folder: Path, arguments: Sequence[str]) -> Done:
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, no shell
            [sys.executable, "-m", "bulkmail", "run", *arguments],
            cwd=folder,
            env={name: value for name, value in os.environ.items() if not name.startswith("BULKMAIL_")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"the run took more than {PATIENCE} s") from error
    return Done(done.returncode, done.stdout, done.stderr, folder / "out")


def _run_here(path: Path, settings: Mapping[str, Any], sweeping: Sweeping) -> Done:
    """What `bulkmail run` does, without the terminal: notes, log and errors become `err`."""
    said = io.StringIO()
    handler, logger = logging.StreamHandler(said), logging.getLogger("bulkmail")
    logger.addHandler(handler)
    folder = path.parent / "out"
    try:
        job = load(path, environment={}, flags=settings)
        beginning = begin(job, settings, note=lambda text: print(text, file=said), sweeping=sweeping)
        ended = run_loop(_in_time(beginning))
    except BulkmailError as error:
        print(error, error.hint, sep="\n", file=said)
        return Done(error.exit_code, "", said.getvalue(), folder)
    finally:
        logger.removeHandler(handler)
    if isinstance(ended.failure, BulkmailError):
        print(ended.failure, ended.failure.hint, sep="\n", file=said)
    elif ended.failure is not None:
        print("".join(traceback.format_exception(ended.failure)), file=said)
    return Done(ended.manifest.exit_code or 0, "", said.getvalue(), ended.folder)


async def _in_time(work: Coroutine[Any, Any, Ended]) -> Ended:
    async with asyncio.timeout(PATIENCE) as patience:
        ended = await work
    if patience.expired():  # a run that is cancelled writes down how it ended, and returns
        raise TimeoutError(f"the run took more than {PATIENCE} s")
    return ended


@contextmanager
def open_tenant(folder: Path, settings: Settings | None = None, app: App | None = None) -> Iterator[Tenant]:
    """A tenant that answers until the block ends; `folder` gets the key pair, unless there is one already."""
    app = app or new_app(folder)
    with serving(Simulator(settings or Settings(mailboxes=50))) as simulator:
        tenant = Tenant(simulator, app)
        tenant.grant(*every_role())
        yield tenant


@contextmanager
def serving(simulator: Simulator) -> Iterator[Simulator]:
    """Runs a simulator on a loop and a thread of its own until the block ends; its failures are raised here."""
    ready, ended, failures = threading.Event(), threading.Event(), list[BaseException]()

    async def serve() -> None:
        async with simulator:
            ready.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=_work, args=(serve, ready, failures), name="tenant")
    thread.start()
    try:
        ready.wait()
        if not failures:
            yield simulator
    finally:
        ended.set()
        thread.join()
    if failures:
        raise failures[0]


def _work(serve: Callable[[], Any], ready: threading.Event, failures: list[BaseException]) -> None:
    try:
        asyncio.run(serve())
    except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
        failures.append(error)
    finally:
        ready.set()
