"""A rehearsal tenant on a thread of its own, and the command line beside it, as a shell would start it."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bulkmail.identity.issue import new_key_pair, to_pfx
from bulkmail.identity.secret import Secret
from bulkmail.sim import Settings, Simulator

CLIENT = "6a1f0f5e-0000-4000-8000-000000000001"
BARE = "6a1f0f5e-0000-4000-8000-000000000002"
"""An application without any permission."""

PASSWORD = "pass-c4n4ry-9b1d"
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
    certificate: bytes

    @classmethod
    def make(cls, folder: Path) -> "Keys":
        pairs = {name: new_key_pair(f"CN={name}", days=90, key_size=2048) for name in ("app", "stranger")}
        for name, pair in pairs.items():
            (folder / f"{name}.pfx").write_bytes(to_pfx(pair, name, Secret(PASSWORD)))
        (folder / "app.pass").write_text(PASSWORD + "\n")
        for file in folder.iterdir():
            file.chmod(0o600)
        return cls(folder, pairs["app"].certificate.pem.encode())


@contextmanager
def tenant(keys: Keys, settings: Settings) -> Iterator[Simulator]:
    """A simulator that answers until the block ends."""
    ready, ended = threading.Event(), threading.Event()
    simulator = Simulator(settings)
    failures: list[BaseException] = []

    async def serve() -> None:
        async with simulator:
            simulator.register(CLIENT, keys.certificate, roles=ROLES)
            simulator.register(BARE, keys.certificate)
            ready.set()
            await asyncio.to_thread(ended.wait)

    def work() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread of the tests
            failures.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert ready.wait(30)
        assert not failures, failures
        yield simulator
    finally:
        ended.set()
        thread.join(30)
    assert not failures, failures


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def manifest(self) -> dict[str, Any]:
        return read_manifest(self.folder)

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_bytes().splitlines()]

    def statuses(self) -> dict[str, str]:
        return {line["mailbox"]: line["status"] for line in self.lines("outcomes.ndjson")}


def read_manifest(folder: Path) -> dict[str, Any]:
    manifest = json.loads((folder / "run.json").read_bytes())
    assert isinstance(manifest, dict)
    return manifest


@dataclass(frozen=True)
class Desk:
    """A folder with a job file; `folder/out` is the run directory."""

    folder: Path
    keys: Keys

    def write_job(self, simulator: Simulator, more: str = "", *, client: str = CLIENT, key: str = "app") -> Path:
        path = self.folder / "job.toml"
        path.write_text(
            f"""
[app]
tenant_id = "{simulator.tenant_id}"
client_id = "{client}"
certificate = "{self.keys.folder / key}.pfx"
certificate_password_file = "{self.keys.folder / "app.pass"}"
cloud = "custom"
login = "{simulator.login_url}"
graph = "{simulator.graph_url}"
ca_file = "{simulator.ca_file}"

[output]
directory = "out"

{more}
"""
        )
        return path

    def write_list(self, rows: Sequence[str]) -> Path:
        path = self.folder / "mailboxes.csv"
        path.write_text("mailbox\n" + "".join(f"{row}\n" for row in rows))
        return path

    def start(self, *arguments: str, largest: int = 0, stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[str]":
        """`bulkmail run job.toml ARGUMENTS`; `largest` is the size in bytes that no file may pass."""

        program = ["-c", LIMITED, str(largest)] if largest else ["-m", "bulkmail"]
        return subprocess.Popen(
            [sys.executable, *program, "run", "job.toml", *arguments],
            cwd=self.folder,
            env={name: value for name, value in os.environ.items() if not name.startswith("BULKMAIL_")},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: "subprocess.Popen[str]", text: str | None = None, folder: str = "out") -> Done:
        try:
            out, err = process.communicate(text, timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return Done(process.returncode, out, err, self.folder / folder)

    def run(self, *arguments: str, text: str | None = None, largest: int = 0, folder: str = "out") -> Done:
        stdin = subprocess.DEVNULL if text is None else subprocess.PIPE
        return self.finish(self.start(*arguments, largest=largest, stdin=stdin), text, folder)
