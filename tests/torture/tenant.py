"""The tenant of a torture: `bulkmail sim` as a process of its own, alive while others are killed, and its books."""

import json
import ssl
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tenant:
    """A simulator that answers; `app` is the table of a job that signs in to it. `taken` counts mailboxes in use."""

    app: Json
    addresses: Sequence[str]
    taken: list[int] = field(default_factory=lambda: [0])

    def take(self, number: int) -> list[str]:
        """Mailboxes that are untouched."""
        first = self.taken[0]
        self.taken[0] += number
        if self.taken[0] > len(self.addresses):
            raise ValueError("the tenant is too small")
        return list(self.addresses[first : first + number])

    def books(self, query: str = "") -> Json:
        return self._ask(f"/_books{query}")

    def held(self, kind: str, address: str) -> list[Json]:
        """What a mailbox holds."""
        rows: list[Json] = self._ask(f"/_books/{kind}?mailbox={address}")["value"]
        return rows

    def books_of(self, kind: str) -> list[Json]:
        """What all mailboxes hold that were written to."""
        rows: list[Json] = self._ask(f"/_books/{kind}")["value"]
        return rows

    def control(self, **wishes: Any) -> None:
        self._ask("/_control", json.dumps(wishes).encode())

    def _ask(self, path: str, body: bytes | None = None) -> Json:
        request = urllib.request.Request(self.app["graph"] + path, body, {"Content-Type": "application/json"})
        context = ssl.create_default_context(cafile=self.app["ca_file"])
        with urllib.request.urlopen(request, timeout=600, context=context) as answer:
            found: Json = json.load(answer)
        return found


@contextmanager
def open_tenant(folder: Path, *flags: str) -> Iterator[Tenant]:
    """A tenant until the block ends; `flags` are those of `bulkmail sim`, and `folder` gets its files."""
    command = [sys.executable, "-m", "bulkmail", "sim", "--directory", str(folder)]
    ports = () if "--port" in flags else ("--port", "0")
    with subprocess.Popen([*command, *flags, *ports], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            if not any("Ctrl-C" in line for line in process.stdout):
                raise RuntimeError("the simulator did not start")
            job = tomllib.loads((folder / "job.toml").read_text(encoding="utf-8"))
            listed = (folder / "mailboxes.csv").read_text(encoding="utf-8").split()[1:]
            yield Tenant(job["app"] | _open_key(folder, job["app"]), listed)
        finally:
            process.terminate()


def _open_key(folder: Path, app: Json) -> Json:
    """The same key in a file without a password: opening one is meant to take long, and here it is opened often."""
    password = (folder / app["certificate_password_file"]).read_bytes().strip()
    key, certificate, _ = pkcs12.load_key_and_certificates((folder / app["certificate"]).read_bytes(), password)
    assert key is not None
    assert certificate is not None
    path = (folder / "app.pem").resolve()
    path.touch(0o600)
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    return {
        "certificate": str(path), "certificate_password_file": "", "ca_file": str((folder / app["ca_file"]).resolve())
    }  # fmt: skip
