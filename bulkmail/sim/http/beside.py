"""The hosts beside Graph: that of the pre-authenticated addresses, and one that has nothing to do with it."""

import asyncio
from collections.abc import Iterator
from functools import partial

from bulkmail.sim.families import signed
from bulkmail.sim.faults import connection
from bulkmail.sim.faults.answers import refusal
from bulkmail.sim.faults.script import AFTER, BEFORE, CALL
from bulkmail.sim.graph.call import Call, Grant, Refusal, split_target
from bulkmail.sim.graph.table import Table
from bulkmail.sim.http.http import Request, Response
from bulkmail.sim.http.server import Server
from bulkmail.sim.witness.causality import Asked

LATE = {kind: CALL[kind] for kind in ("late", "gateway", "status")}
STRANGER = Grant("", frozenset(), 0.0, 0)  # the caller without a token


class Signed:
    """Uploads and downloads. An address is its own key; a token that comes along is refused, and counted."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.table = Table(signed())

    async def answer(self, request: Request) -> Response:
        """Faults strike here whose `match` says so: `/_import`, `/_attachments`."""
        world = self.server.world
        if not world.script:
            return self._answered(request)
        subject = f"{request.method} {request.target.partition('?')[0]}"
        fault = world.script.strike({**BEFORE, **AFTER, **LATE}, subject, beside=True)
        if fault is None:
            return self._answered(request)
        if fault.kind in BEFORE:
            return await connection.before(request, fault, world.foreign)
        if fault.kind == "late":
            asyncio.get_running_loop().call_later(fault.seconds, self._answered, request)
        response = self._answered(request) if fault.kind not in ("late", "status") else Response()
        if fault.kind in LATE:
            return self.server.respond(request, refusal(fault, 504))
        return response if response.pieces is not None else await connection.after(request, fault, response)

    def _answered(self, request: Request) -> Response:
        asked = Asked(request.behind)
        try:
            response = self._answer(request, asked)
        except Refusal as refused:
            response = self.server.respond(request, refused.answer())
        response.written = partial(self.server.world.answers.written, asked)
        return response

    def _answer(self, request: Request, asked: Asked) -> Response:
        segments, options = split_target(request.target)
        call = Call(request.method, segments, options, request.headers, request.body, STRANGER, self.server.base, asked)
        call.now = self.server.service.clock()
        try:
            route = self.table.find(call)
        except Refusal:
            raise Refusal(404, "NotFound", "There is no such address.") from None
        if "authorization" in request.headers:
            self.server.books.links_leaked += 1
            raise Refusal(401, "InvalidAuthenticationToken", "This address takes no Authorization header.")
        answer = route.work(self.server.world, call)
        if isinstance(answer.body, Iterator):
            return Response(answer.status, headers=answer.headers, pieces=answer.body)
        return self.server.respond(request, answer)


class Foreign:
    """A host that is not Graph: counts who comes, and whether a token came along, which must never happen."""

    def __init__(self, server: Server) -> None:
        self.books = server.books

    async def answer(self, request: Request) -> Response:
        self.books.foreign[request.target.partition("?")[0]] += 1
        self.books.foreign_tokens += "authorization" in request.headers
        return Response(body=b'{"value":[]}', headers={"Content-Type": "application/json"})
