"""A plain client for the simulator, and what tests say to it. Shares nothing with bulkmail's own client."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import quote

import aiohttp

from bulkmail.sim import Settings, Simulator
from bulkmail.sim.families import routes

CLIENT = "b01dface-0000-4000-8000-0000000000aa"
SECRET = "rehearsal-only"
EVERY_ROLE = tuple(sorted(frozenset().union(*(route.roles for route in routes()))))
CLEAN: Mapping[str, Any] = {"mailboxes": 200, "absent": 0.0, "denied": 0.0, "moving": 0.0, "tls": False}


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes
    body: Any

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])


class Desk:
    """Sends requests with a token of its own; `path` is below /v1.0, or an absolute address."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession, token: str) -> None:
        self.sim = sim
        self.session = session
        self.token = token

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        url = path if path.startswith("http") else f"{self.sim.graph_url}/v1.0{path}"
        sent = {"Authorization": f"Bearer {self.token}", **{name.replace("_", "-"): v for name, v in headers.items()}}
        given: Any = {"data": BytesIO(body)} if isinstance(body, bytes) else {"json": body}
        async with self.session.request(method, _as_is(url), headers=sent, allow_redirects=False, **given) as response:
            content = await response.read()
            is_json = "json" in response.headers.get("Content-Type", "") and content
            return Reply(response.status, response.headers, content, await response.json() if is_json else None)

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.ask("GET", path, **headers)

    async def batch(self, *parts: dict[str, Any]) -> Reply:
        return await self.ask("POST", "/$batch", {"requests": list(parts)})

    async def pages(self, path: str, **headers: str) -> list[Any]:
        rows: list[Any] = []
        link: str | None = path
        while link:
            reply = await self.get(link, **headers)
            assert reply.status == 200, reply.body
            rows += reply.body["value"]
            link = reply.body.get("@odata.nextLink")
        return rows

    def user(self, number: int = 0) -> str:
        """The path of a user by its address."""
        return f"/users/{quote(self.sim.tenant.address(number))}"

    async def control(self, **wishes: Any) -> Reply:
        return await self.ask("POST", f"{self.sim.graph_url}/_control", wishes)


def _as_is(url: str) -> Any:
    import yarl

    return yarl.URL(url, encoded=True)


def parts(*urls: str) -> Iterator[dict[str, Any]]:
    for number, url in enumerate(urls):
        yield {"id": str(number), "method": "GET", "url": url}


async def sign_in(sim: Simulator, session: aiohttp.ClientSession, **changed: Any) -> tuple[int, Any]:
    """Asks for a token with the secret; `changed` replaces fields of the form, None leaves one out."""
    form = {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "grant_type": "client_credentials",
        "scope": "https://graph.microsoft.com/.default",
    } | changed
    tenant = form.pop("tenant", sim.tenant_id)
    data = {name: value for name, value in form.items() if value is not None}
    async with session.post(f"{sim.login_url}/{tenant}/oauth2/v2.0/token", data=data) as response:
        return response.status, await response.json()


def rehearse(
    act: Callable[[Desk], Awaitable[None]],
    *,
    roles: tuple[str, ...] = EVERY_ROLE,
    scoped: tuple[str, ...] = (),
    scope: str = "",
    capable: bool = False,
    **settings: Any,
) -> dict[str, Any]:
    """Runs `act` against a new simulator of a clean tenant; returns the books."""

    async def main() -> dict[str, Any]:
        async with Simulator(Settings(**{**CLEAN, **settings})) as sim:
            sim.register(CLIENT, roles=roles, secret=SECRET, scoped_roles=scoped, scope=scope)
            context = ssl.create_default_context(cafile=str(sim.ca_file))
            connector = aiohttp.TCPConnector(ssl=context, limit=0)
            async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=300)) as session:
                session._retry_connection = False  # aiohttp would repeat a lost request by itself
                claims = '{"access_token": {"xms_cc": {"values": ["CP1"]}}}' if capable else None
                _, token = await sign_in(sim, session, claims=claims)
                await act(Desk(sim, session, token["access_token"]))
            return sim.books(effects=True)

    return asyncio.run(main())
