"""Routes HTTP requests to Entra, to Graph or to the witness, and turns their answers into HTTP responses."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from urllib.parse import parse_qsl, unquote

import orjson

from bulkmail.sim.entra.entra import Entra
from bulkmail.sim.faults import connection
from bulkmail.sim.faults.answers import refusal, spoil_parts
from bulkmail.sim.faults.script import AFTER, BATCH, BEFORE, WHOLE
from bulkmail.sim.graph.batch import Batch, dressed, unpack
from bulkmail.sim.graph.call import Answer, Call, Grant, Json, Refusal, bad_request, split_target
from bulkmail.sim.graph.service import Service, with_ids
from bulkmail.sim.http.http import Request, Response
from bulkmail.sim.tenant.seeded import guid, mix
from bulkmail.sim.witness.causality import Asked
from bulkmail.sim.witness.control import carry_out
from bulkmail.sim.witness.inventory import holdings

LARGEST = 4 * 1024 * 1024  # bytes of a request's body, as Graph permits
JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
DIAGNOSTIC = '{"ServerInfo":{"DataCenter":"Rehearsal","Slice":"E","Ring":"5","ScaleUnit":"001","RoleInstance":"RE1"}}'
LANES = {"four": 4, "all": 20, "app": 20}
LUMP = {"status": "", "gateway": "", **WHOLE}  # faults that can strike a batch or a token request as a whole


class Server:
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
        self._way = self.world.settings.round_trip / 2
        self._before: Response | None = None
        self._gates: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(4))

    async def answer(self, request: Request) -> Response:
        """One HTTP request to the address of Graph, of Entra or of both."""
        if not self.world.script or request.target.startswith("/_"):
            return await self._answer(request)
        subject = f"{request.method} {unquote(request.target.removeprefix('/v1.0'))}"
        sign_in = not request.target.startswith("/v1.0/")
        fault = self.world.script.strike(BEFORE, subject, sign_in=sign_in)
        if fault is not None:
            return await connection.before(request, fault, self.world.foreign)
        response = await self._answer(request)
        if response.pieces is not None:
            return response
        before = self._before
        if not sign_in:  # a token is never given to another
            self._before = response
        fault = self.world.script.strike(AFTER, subject, sign_in=sign_in)
        if fault is None:
            return response
        return await connection.after(request, fault, before if fault.kind == "swapped" and before else response)

    async def _answer(self, request: Request) -> Response:
        target = request.target
        if target.startswith("/v1.0/"):
            return await self._graph(request, target[5:]) if not self._way else await self._far(request, target[5:])
        segments, options = split_target(target)
        try:
            match request.method, *segments:
                case "GET", "_books", *rest:
                    answer = Answer(body=self._read_books(rest, options))
                case "POST", "_control":
                    answer = await self._control(request)
                case _:
                    answer = await self._sign_in(request, segments, options)
        except Refusal as refused:
            answer = refused.answer()
        return self.respond(request, answer)

    async def _sign_in(self, request: Request, segments: Sequence[str], options: Mapping[str, str]) -> Answer:
        """What Entra is asked, and the metadata service of a virtual machine."""
        now = self.service.clock()
        match request.method, *segments:
            case "GET", tenant, "v2.0", ".well-known", "openid-configuration":
                return self.entra.discovery(tenant)
            case "GET", "common", "discovery", "instance":
                return self.entra.instances()
            case "POST", tenant, "oauth2", "v2.0", "token":
                return await self._token(request, tenant)
            case "POST", tenant, "oauth2", "v2.0", "devicecode":
                return self.entra.device_code(tenant, _form(request), now)
            case "GET", "devicelogin":
                return self._decided(options)
            case "GET", "metadata", "identity", "oauth2", "token":
                return self.entra.identity(options, request.headers, now)
        raise Refusal(404, "NotFound", "There is no such address.")

    async def _token(self, request: Request, tenant: str) -> Answer:
        form = _form(request)
        fault = self.world.script.strike(LUMP, f"POST /{tenant}/oauth2/v2.0/token", sign_in=True)
        now, correlation = self.service.clock(), request.headers.get("client-request-id", "")
        answer = refusal(fault) if fault else self.entra.token(tenant, form, now, correlation)
        self.books.tokens[answer.status] += 1
        return answer

    def _decided(self, options: Mapping[str, str]) -> Answer:
        """The page of a person who signs in on another device: to open it with the code is to approve."""
        if not self.entra.devices.decide(options.get("code", ""), approved=options.get("decline", "") != "true"):
            text = "Open this page with the code that was shown: /devicelogin?code=CODE, and &decline=true to refuse."
            raise Refusal(404, "NotFound", text)
        return Answer(body=b"You may close this page and go back to the program.")

    def _read_books(self, rest: Sequence[str], options: Mapping[str, str]) -> Json:
        if rest:
            return {"value": list(holdings(self.world, "/".join(rest), options.get("mailbox", "")))}
        if "key" in options:
            return {"key": options["key"], "effects": self.books.effects_of(options["key"])}
        return self.books.snapshot(effects=options.get("effects") == "all")

    async def _control(self, request: Request) -> Answer:
        """JSON only: a page in a browser cannot send that without asking first."""
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise Refusal(415, "UnsupportedMediaType", "The changes must be application/json.")
        try:
            changes = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            changes = None
        if not isinstance(changes, dict):
            raise bad_request("The changes must be a JSON object.")
        return carry_out(self.world, self.entra, changes)

    async def _far(self, request: Request, target: str) -> Response:
        """From a client that is far away."""
        await asyncio.sleep(self._way)
        response = await self._graph(request, target)
        await asyncio.sleep(self._way)
        return response

    async def _graph(self, request: Request, target: str) -> Response:
        asked = Asked(request.behind)
        response = await self._called(request, target, asked)
        response.written = partial(self.world.answers.written, asked)
        return response

    async def _called(self, request: Request, target: str, asked: Asked) -> Response:
        self.books.requests += 1
        headers, body = request.headers, request.body
        if len(body) > LARGEST:
            self.books.routes["any", 413] += 1
            too_large = Refusal(413, "RequestEntityTooLarge", "The maximum request length supported is 4MB.")
            return self.respond(request, too_large.answer())
        now = self.service.clock()
        grant = self.entra.judge(headers.get("authorization", ""), now)
        if isinstance(grant, Answer):
            self.books.routes["any", grant.status] += 1
            return self.respond(request, grant)
        self.world.answers.came(asked, grant.app_id)
        if target == "/$batch" or target.lower() == "/%24batch":
            return self.respond(request, await self._batch(request, grant, body, asked))
        segments, options = split_target(target)
        call = Call(request.method, segments, options, headers, body, grant, self.base, asked)
        return self.respond(request, await self.service.serve(call), call)

    async def _batch(self, request: Request, grant: Grant, body: bytes, asked: Asked) -> Answer:
        fault = self.world.script.strike(LUMP, "POST /$batch")
        try:
            parts = _parts(request, body)
            if fault is not None and fault.kind == "batch-half":
                parts = parts[: len(parts) // 2]
            if fault is not None and fault.kind == "status":
                answer = refusal(fault)
            else:
                answer = await self._run(request, grant, parts, asked)
        except Refusal as refused:
            answer = refused.answer()
        if fault is not None and fault.kind != "status":
            answer = refusal(fault, 504)
        self.books.routes["POST /$batch", answer.status] += 1
        return answer

    async def _run(self, request: Request, grant: Grant, parts: list[Json], asked: Asked) -> Answer:
        self.books.batches += 1
        self.books.parts += len(parts)
        rule = self.world.settings.batch
        gate = self._gates[grant.app_id] if rule == "app" else None
        request_id, client_id = self._next_id(), request.headers.get("client-request-id", "")
        batch = Batch(self.service.serve, lambda a: _with_ids(a, request_id, client_id), LANES[rule], gate)
        responses = dressed(await batch.run(parts, grant, self.base, asked), self.chance)
        fault = self.world.script.strike(BATCH, "POST /$batch")
        if fault is not None:
            responses = spoil_parts(fault.kind, responses, self.chance)
        return Answer(200, {"responses": responses}, {"request-id": request_id})

    def _next_id(self) -> str:
        self._answered += 1
        return f"{self._prefix}{self._answered:012x}"

    def respond(self, request: Request, answer: Answer, call: Call | None = None) -> Response:
        client_id = request.headers.get("client-request-id", "")
        request_id = answer.headers.get("request-id") or self._next_id()
        answer = _with_ids(answer, request_id, client_id)
        headers = {
            **answer.headers,
            "request-id": request_id,
            "client-request-id": client_id or request_id,
            "x-ms-ags-diagnostic": DIAGNOSTIC,
        }
        if call is not None and call.notes:
            headers["Preference-Applied"] = ", ".join(sorted(set(call.notes)))
        if self.world.ahead:
            headers["Date"] = format_datetime(datetime.now(UTC) + timedelta(seconds=self.world.ahead), usegmt=True)
        if answer.body is None or isinstance(answer.body, bytes):
            return Response(answer.status, answer.body or b"", headers)
        headers["Content-Type"] = JSON
        if isinstance(answer.body, Iterator):
            return Response(answer.status, headers=headers, pieces=answer.body)
        return Response(answer.status, orjson.dumps(answer.body), headers)


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _parts(request: Request, body: bytes) -> list[Json]:
    if request.method != "POST":
        raise Refusal(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    return unpack(body)


def _with_ids(answer: Answer, request_id: str, client_id: str) -> Answer:
    body = answer.body
    if answer.status < 400 or not isinstance(body, dict) or not isinstance(body.get("error"), dict):
        return answer
    return Answer(answer.status, with_ids(body, request_id, client_id), answer.headers)
