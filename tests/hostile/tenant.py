"""A tenant whose directory and Graph say what a test wants, and the command line run against it."""

import base64
import json
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bulkmail.app.compose import settings_of
from bulkmail.config import load
from bulkmail.identity.settings import AppSettings
from bulkmail.testing.tenant import CLIENT_ID, Done, new_app, write_list
from tests.forked import Started, start
from tests.hostile.server import Answer, Asked, Hostile, hostile, http
from tests.identity.fakes import TENANT, make_authority

JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=")
    for part in (
        b'{"typ":"JWT","alg":"RS256"}',
        b'{"roles":["Mail.Read"],"sub":"' + b"c4n4ry" * 40 + b'"}',
        b"s1gn4ture" * 20,
    )
)
OPAQUE = "0p4qu3-c4n4ry_of.a.t0ken"
"""Not a JWT, and shorter than what looks like a token by its length."""

TASK = """
from bulkmail.tasks import task

@task("probe", summary="Asks for things.", permission="Mail.Read", columns={"name": "a name"})
async def probe(mailbox, graph, options):
    async for thing in graph.items("/things"):
        yield {"name": thing["name"]}
"""


@dataclass
class Tenant:
    """`folder` has the job file; `run` gives what came of it."""

    folder: Path
    graph: Hostile
    directory: Hostile
    token: str = JWT

    def start(self, *arguments: str) -> Started:
        return start(self.folder, "run", "job.toml", *arguments)

    def settings(self) -> AppSettings:
        """Who signs in, for a test without a run."""
        return settings_of(load(self.folder / "job.toml", environment={}).app)

    def run(self, *arguments: str) -> Done:
        return self.start(*arguments).finish(self.folder / "out")


def directory_of(origin: list[str], post: Answer) -> Answer:
    """A directory whose discovery behaves; `post` answers when a token is asked for."""

    def answer(asked: Asked, connected: socket.socket) -> None:
        if asked.method == "POST":
            post(asked, connected)
            return
        base = f"{origin[0]}/{TENANT}"
        connected.sendall(http({
            "authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token", "issuer": f"{base}/v2.0",
        }))  # fmt: skip

    return answer


def granted(token: str) -> bytes:
    return http({"token_type": "Bearer", "expires_in": 3600, "access_token": token})


@contextmanager
def tenant(
    folder: Path,
    graph: Answer,
    mailboxes: Sequence[str],
    more: str = "",
    *,
    token: str = JWT,
    post: Answer | None = None,
) -> Iterator[Tenant]:
    """A job in `folder` whose task asks each mailbox for `/things`; `more` is TOML behind the tables. `post` answers
    when a token is asked for."""
    ca_file, server_file = make_authority(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(server_file)
    origin: list[str] = []
    with (
        hostile(graph) as answering,
        hostile(
            directory_of(origin, post or (lambda _asked, connected: connected.sendall(granted(token)))), tls
        ) as signing,
    ):
        origin.append(signing.origin)
        app = new_app(folder)
        (folder / "probe.py").write_text(TASK)
        write_list(folder, mailboxes)
        given = {
            "tenant_id": TENANT, "client_id": CLIENT_ID, "certificate": str(app.certificate), "cloud": "custom",
            "login": signing.origin, "graph": answering.origin, "ca_file": str(ca_file),
        }  # fmt: skip
        lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in given.items())
        (folder / "job.toml").write_text(
            f'[app]\n{lines}\n[output]\ndirectory = "out"\n[input]\npath = "mailboxes.csv"\n'
            f'[task]\nname = "probe.py:probe"\n{more}\n'
        )
        yield Tenant(folder, answering, signing, token)
