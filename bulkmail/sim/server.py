"""The listeners: HTTP in, calls to Entra and Graph, HTTP out. With `harm`, the only rooms that speak aiohttp.

aiohttp's low-level server is used, without its router and its access log: the simulator finds routes by itself, and
a rehearsal of a large tenant needs thousands of answers a second.
"""

import asyncio
import random
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson
from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from multidict import CIMultiDict

from bulkmail.sim import harm
from bulkmail.sim.batch import Batch, dressed, unpack
from bulkmail.sim.call import Answer, Call, Grant, Json, Refusal, bad_request, split_target
from bulkmail.sim.control import carry_out
from bulkmail.sim.entra import Entra
from bulkmail.sim.faults import AFTER, BATCH, BEFORE
from bulkmail.sim.inventory import holdings
from bulkmail.sim.routes.exchange import take_in
from bulkmail.sim.routes.reports import lines
from bulkmail.sim.seeded import guid, mix
from bulkmail.sim.service import Service, with_ids
from bulkmail.sim.trouble import refusal, spoil_parts

LARGEST = 4 * 1024 * 1024  # bytes of a request's body, as Graph permits
LARGEST_IMPORT = 64 * 1024 * 1024
JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
DIAGNOSTIC = '{"ServerInfo":{"DataCenter":"Rehearsal","Slice":"E","Ring":"5","ScaleUnit":"001","RoleInstance":"RE1"}}'
LANES = {"four": 4, "all": 20, "app": 20}
WHOLE = {"status": "", "gateway": ""}  # faults of calls that can befall a batch or a token request as a whole


class Front:
    """Speaks HTTP for Entra and Graph."""

    def __init__(self, entra: Entra, service: Service) -> None:
        self.entra = entra
        self.service = service
        self.world = service.world
        self.books = service.world.books
        self.base = ""
        seed = service.world.settings.seed
        self.chance = random.Random(seed)  # noqa: S311 - shuffles answers, guards nothing
        self._prefix = guid(mix(seed, 1, 70), 0)[:24]
        self._answered = 0
        self._before: web.Response | None = None
        self._gates: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(4))

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """One HTTP request to the address of Graph, of Entra or of both."""
        if not self.world.script or request.raw_path.startswith("/_"):
            return await self._answer(request)
        subject = f"{request.method} {unquote(request.raw_path.removeprefix('/v1.0'))}"
        sign_in = not request.raw_path.startswith("/v1.0/")
        fault = self.world.script.strike(BEFORE, subject, sign_in=sign_in)
        if fault is not None:
            return await harm.before(request, fault, self.world.foreign)
        response = await self._answer(request)
        if not isinstance(response, web.Response):
            return response
        before = self._before
        if not sign_in:  # a token is never given to another
            self._before = response
        fault = self.world.script.strike(AFTER, subject, sign_in=sign_in)
        if fault is None:
            return response
        return await harm.after(request, fault, before if fault.kind == "swapped" and before else response)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        target = request.raw_path
        if target.startswith("/v1.0/"):
            return await self._graph(request, target[5:])
        segments, options = split_target(target)
        try:
            match request.method, *segments:
                case "GET", tenant, "v2.0", ".well-known", "openid-configuration":
                    answer = self.entra.discovery(tenant)
                case "GET", "common", "discovery", "instance":
                    answer = self.entra.instances()
                case "POST", tenant, "oauth2", "v2.0", "token":
                    answer = await self._token(request, tenant)
                case "GET", "_books", *rest:
                    answer = Answer(body=self._read_books(rest, options))
                case "POST", "_control":
                    answer = await self._control(request)
                case "POST", "_import":
                    self._refuse_token(request)
                    answer = take_in(self.world, options.get("authtoken", ""), await request.read())
                case "GET", "_reports", name:
                    self._refuse_token(request)
                    return await self._report(request, name)
                case _:
                    raise Refusal(404, "NotFound", "There is no such address.")  # noqa: TRY301 - one way out for all
        except Refusal as refused:
            answer = refused.answer()
        return self._respond(request, answer)

    async def _token(self, request: web.BaseRequest, tenant: str) -> Answer:
        form = dict(parse_qsl((await request.read()).decode("utf-8", "replace"), keep_blank_values=True))
        fault = self.world.script.strike(WHOLE, f"POST /{tenant}/oauth2/v2.0/token", sign_in=True)
        now, correlation = self.service.clock(), request.headers.get("client-request-id", "")
        answer = refusal(fault) if fault else self.entra.token(tenant, form, now, correlation)
        self.books.tokens[answer.status] += 1
        return answer

    def _read_books(self, rest: Sequence[str], options: Mapping[str, str]) -> Json:
        if rest:
            return {"value": list(holdings(self.world, "/".join(rest), options.get("mailbox", "")))}
        if "key" in options:
            return {"key": options["key"], "effects": self.books.effects_of(options["key"])}
        return self.books.snapshot(effects=options.get("effects") == "all")

    async def _control(self, request: web.BaseRequest) -> Answer:
        """JSON only: a page in a browser cannot send that unasked."""
        if request.content_type != "application/json":
            raise Refusal(415, "UnsupportedMediaType", "The wishes must be application/json.")
        try:
            wishes = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            wishes = None
        if not isinstance(wishes, dict):
            raise bad_request("The wishes must be a JSON object.")
        return carry_out(self.world, self.entra, wishes)

    def _refuse_token(self, request: web.BaseRequest) -> None:
        """A pre-authenticated address is its own key; a token has no business there."""
        if "Authorization" in request.headers:
            self.books.links_leaked += 1
            raise Refusal(401, "InvalidAuthenticationToken", "This address takes no Authorization header.")

    async def _report(self, request: web.BaseRequest, name: str) -> web.StreamResponse:
        days = self.world.links.get(name)
        if days is None:
            raise Refusal(404, "NotFound", "The address of the report has expired.")
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        await response.prepare(request)
        for piece in lines(self.world, days):
            await response.write(piece)
        await response.write_eof()
        return response

    async def _graph(self, request: web.BaseRequest, target: str) -> web.StreamResponse:
        self.books.requests += 1
        if (request.content_length or 0) > LARGEST:
            self.books.routes["any", 413] += 1
            too_large = Refusal(413, "RequestEntityTooLarge", "The maximum request length supported is 4MB.")
            return self._respond(request, too_large.answer())
        body = await request.read() if request.can_read_body else b""
        grant = self.entra.judge(request.headers.get("Authorization", ""), self.service.clock())
        if isinstance(grant, Answer):
            self.books.routes["any", grant.status] += 1
            return self._respond(request, grant)
        if target == "/$batch" or target.lower() == "/%24batch":
            return self._respond(request, await self._batch(request, grant, body))
        segments, options = split_target(target)
        call = Call(request.method, segments, options, request.headers, body, grant, self.base, self.service.clock())
        return self._respond(request, await self.service.serve(call), call)

    async def _batch(self, request: web.BaseRequest, grant: Grant, body: bytes) -> Answer:
        fault = self.world.script.strike(WHOLE, "POST /$batch")
        try:
            parts = _parts(request, body)
            answer = refusal(fault) if fault and fault.kind == "status" else await self._run(request, grant, parts)
        except Refusal as refused:
            answer = refused.answer()
        if fault is not None and fault.kind == "gateway":
            answer = refusal(fault, 504)
        self.books.routes["POST /$batch", answer.status] += 1
        return answer

    async def _run(self, request: web.BaseRequest, grant: Grant, parts: list[Json]) -> Answer:
        self.books.batches += 1
        self.books.parts += len(parts)
        rule = self.world.settings.batch
        gate = self._gates[grant.app_id] if rule == "app" else None
        request_id, client_id = self._next_id(), request.headers.get("client-request-id", "")
        batch = Batch(self.service.serve, lambda a: _with_ids(a, request_id, client_id), LANES[rule], gate)
        responses = dressed(await batch.run(parts, grant, self.base, self.service.clock()), self.chance)
        fault = self.world.script.strike(BATCH, "POST /$batch")
        if fault is not None:
            responses = spoil_parts(fault.kind, responses, self.chance)
        return Answer(200, {"responses": responses}, {"request-id": request_id})

    def _next_id(self) -> str:
        self._answered += 1
        return f"{self._prefix}{self._answered:012x}"

    def _respond(self, request: web.BaseRequest, answer: Answer, call: Call | None = None) -> web.Response:
        client_id = request.headers.get("client-request-id", "")
        request_id = answer.headers.get("request-id") or self._next_id()
        answer = _with_ids(answer, request_id, client_id)
        headers = CIMultiDict(answer.headers)
        headers["request-id"] = request_id
        headers["client-request-id"] = client_id or request_id
        headers["x-ms-ags-diagnostic"] = DIAGNOSTIC
        if call is not None and call.notes:
            headers["Preference-Applied"] = ", ".join(sorted(call.notes))
        if isinstance(answer.body, bytes | None):
            return web.Response(status=answer.status, body=answer.body, headers=headers)
        headers["Content-Type"] = JSON
        return web.Response(status=answer.status, body=orjson.dumps(answer.body), headers=headers)


def _parts(request: web.BaseRequest, body: bytes) -> list[Json]:
    if request.method != "POST":
        raise Refusal(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    return unpack(body)


def _with_ids(answer: Answer, request_id: str, client_id: str) -> Answer:
    body = answer.body
    if answer.status < 400 or not isinstance(body, dict) or not isinstance(body.get("error"), dict):
        return answer
    return Answer(answer.status, with_ids(body, request_id, client_id), answer.headers)


class Foreign:
    """A host that is not Graph: counts who comes, and whether a token came along, which must never happen."""

    def __init__(self, front: Front) -> None:
        self.books = front.books

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.books.foreign[request.path] += 1
        self.books.foreign_tokens += "Authorization" in request.headers
        return web.json_response({"value": []})


class Listener:
    """One open port."""

    def __init__(
        self, answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], context: ssl.SSLContext | None
    ) -> None:
        self._server = web.Server(answer, request_factory=_request, access_log=None)
        self._context = context
        self._socket: asyncio.Server | None = None

    async def open(self, host: str, port: int) -> str:
        """Returns the address as a URL without a path."""
        loop = asyncio.get_running_loop()
        self._socket = await loop.create_server(self._server, host, port, ssl=self._context, backlog=1024)
        number = self._socket.sockets[0].getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        return f"{'https' if self._context else 'http'}://{name}:{number}"

    async def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            transports = [connection.transport for connection in self._server.connections]
            await self._server.shutdown(1.0)
            for transport in filter(None, transports):
                transport.abort()  # a peer that keeps its side of TLS open would keep ours open too
            await asyncio.sleep(0)
            await self._socket.wait_closed()


def _request(
    message: RawRequestMessage, payload: StreamReader, protocol: Any, writer: Any, task: "asyncio.Task[None]"
) -> web.BaseRequest:
    """aiohttp's own requests refuse bodies of more than 1 MB."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST_IMPORT)
