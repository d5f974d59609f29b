"""A rehearsal from start to end: certificates, listeners, and what a caller may ask of them."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from bulkmail.sim.entra.entra import Entra
from bulkmail.sim.families import routes
from bulkmail.sim.graph.call import Json
from bulkmail.sim.graph.service import Service
from bulkmail.sim.http import tls
from bulkmail.sim.http.beside import Foreign, Signed
from bulkmail.sim.http.http import Listener
from bulkmail.sim.http.server import Server
from bulkmail.sim.limits.settings import Settings
from bulkmail.sim.tenant.people import DOMAIN
from bulkmail.sim.witness.inventory import holdings
from bulkmail.sim.world import World, build

T = TypeVar("T")
PATIENCE = 30  # seconds that a caller on another thread waits for the loop's turn


class Simulator:
    """An Entra and a Graph on this machine, alive within `async with`. `register` makes an app known, see
    `Entra.register`.

    `login_url`, `graph_url` and `signed_url`, of pre-authenticated addresses, are roots without a path. `ca_file` is
    the PEM certificate to trust, gone at the end; the authority itself lasts in the folder `kept`, if one is named.
    """

    def __init__(self, settings: Settings | None = None, *, kept: Path | None = None) -> None:
        self.settings = settings or Settings()
        self._kept = kept
        self.world: World = build(self.settings)
        self.tenant = self.world.tenant
        self.tenant_id = self.world.tenant.id
        self.entra = Entra(self.tenant_id, DOMAIN, self.settings.token_life)
        self.register = self.entra.register
        self.world.apps, self.world.roles = self.entra.apps, frozenset().union(*(one.roles for one in routes()))
        self.login_url = self.graph_url = self.foreign_url = self.signed_url = ""
        self.ca_file = Path()
        self._stack = AsyncExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None  # while it runs

    async def __aenter__(self) -> Self:
        settings = self.settings
        directory = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="bulkmail-sim-"))
        self._stack.callback(shutil.rmtree, directory, ignore_errors=True)
        try:
            context = await asyncio.to_thread(tls.server_context, directory, settings.host, settings.flaw, self._kept)
            self.ca_file = directory / "ca.pem"
            server = Server(self.entra, Service(self.world, self.entra, asyncio.get_running_loop().time))
            graph = Listener(server.answer, context if settings.tls else None)
            self.graph_url = self.login_url = await self._open(graph, settings.port)
            if not settings.tls:
                self.login_url = await self._open(Listener(server.answer, context), settings.login_port)
            foreign = Listener(Foreign(server).answer, context if settings.tls else None)
            self.foreign_url = self.world.foreign = await self._open(foreign, settings.foreign_port)
            signed = Listener(Signed(server).answer, context if settings.tls else None)
            self.signed_url = self.world.signed = await self._open(signed, settings.signed_port)
        except BaseException:
            await self._stack.aclose()
            raise
        self.graph_url = settings.seen_at or self.graph_url
        server.base = f"{self.graph_url}/v1.0"
        self.entra.base, self.entra.graph = self.login_url, self.graph_url
        self._loop = asyncio.get_running_loop()
        return self

    async def _open(self, listener: Listener, port: int) -> str:
        url = await listener.open(self.settings.host, port)
        self._stack.push_async_callback(listener.close)
        return url

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop = None
        await self._stack.aclose()

    def addresses(self, limit: int | None = None) -> Iterator[str]:
        """The addresses of the tenant's users in order, of those without a mailbox as well."""
        return self.tenant.addresses(limit)

    def groups(self) -> dict[str, str]:
        """The ids of the tenant's groups, by name in lower case and by id."""
        groups = self.world.groups
        named = {groups.group(number)["displayName"].lower(): text for number, text in enumerate(groups.ids)}
        return named | {text: text for text in groups.ids}

    def books(self, *, effects: bool = False) -> Json:
        """What was seen so far; `effects` adds every write by its key."""
        return self._told(lambda: self.world.books.snapshot(effects=effects))

    def effects(self, key: str) -> dict[str, int]:
        """How often what is known by this key was written: number of the mailbox and route to the count."""
        return self._told(lambda: self.world.books.effects_of(key))

    def contents(self, kind: str, address: str = "") -> list[Json]:
        """What a mailbox holds, or every mailbox that was written to: `contacts`, `messages`, `sent`, `settings`, …

        `key` of a row is the value of its first extended property, or empty.
        """
        return self._told(lambda: list(holdings(self.world, kind, address)))

    def _told(self, ask: Callable[[], T]) -> T:
        """What `ask` says, on the simulator's own loop: a caller on another thread must not see half a change."""
        loop = self._loop
        if loop is None or loop is _running():
            return ask()

        async def tell() -> T:
            return ask()

        return asyncio.run_coroutine_threadsafe(tell(), loop).result(PATIENCE)


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
