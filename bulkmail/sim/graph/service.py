"""Answers one call to Graph, plain or part of a batch: limits, then rights, then the mailbox's state, then the work.

Knows no socket. A call holds its mailbox's slot from here on until its answer is ready.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from bulkmail.sim.entra.entra import Entra
from bulkmail.sim.families import routes, ways
from bulkmail.sim.faults.answers import refusal, spoil
from bulkmail.sim.faults.script import CALL, Fault
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal
from bulkmail.sim.graph.elsewhere import elsewhere
from bulkmail.sim.graph.table import Route, Table
from bulkmail.sim.limits.throttle import Meter, Refused, retry_after
from bulkmail.sim.tenant.people import State
from bulkmail.sim.witness.marks import effect_key
from bulkmail.sim.world import World

LOG = logging.getLogger(__name__)

MESSAGES: Mapping[str, tuple[str, str]] = {  # limit -> code and message of the 429
    "MailboxConcurrency": ("ApplicationThrottled", "Application is over its MailboxConcurrency limit."),
    "IncomingBytes": ("ApplicationThrottled", "Application is over its IncomingBytes limit."),
    "Requests": ("ApplicationThrottled", "Application is over its Requests limit."),
}
ELSEWHERE = ("TooManyRequests", "Please retry again later.")
NO_MAILBOX: Mapping[State, tuple[str, str]] = {
    State.GUEST: ("MailboxNotEnabledForRESTAPI", "REST API is not yet supported for this mailbox."),
    State.UNLICENSED: ("ResourceNotFound", "Resource could not be discovered."),
    State.ON_PREMISES: (
        "MailboxNotEnabledForRESTAPI",
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    ),
}
SPOILING = frozenset({"accepted", "error-in-200", *(kind for kind in CALL if kind.startswith("page-"))})
DENIED = Refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
UNPRIVILEGED = Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


class Service:
    """The Graph of one tenant."""

    def __init__(self, world: World, entra: Entra, clock: Callable[[], float]) -> None:
        self.world = world
        self.entra = entra
        self.clock = clock
        self.table = Table(routes(), ways())

    async def serve(self, call: Call) -> Answer:
        """The answer; an error's body still lacks its request id."""
        books = self.world.books
        books.took_off()
        name = f"{call.method} unknown"
        try:
            route = self.table.find(call)
            name = route.name
            answer = await self._admitted(route, call)
        except Refusal as refusal:
            unknown = name.endswith(" unknown")
            answer = (UNPRIVILEGED if unknown and elsewhere(call) else refusal).answer()
            if unknown and answer.status != 403:
                self._note_lacking(call)
        finally:
            books.landed()
        books.routes[name, answer.status] += 1
        return answer

    def _note_lacking(self, call: Call) -> None:
        resource = f"{call.method} /{'/'.join(call.segments[2:] or call.segments)}"[:200]
        self.world.books.lacking[resource] += 1
        if self.world.books.lacking[resource] == 1:
            LOG.warning("the simulator has no %r", resource)

    async def _admitted(self, route: Route, call: Call) -> Answer:
        call.now = self.clock()
        throttle, app = self.world.throttle, call.grant.app_id
        refused = throttle.admit_app(app, call.now, call.asked)
        if refused is not None:
            raise self._too_many(refused)
        if route.service == "directory":
            return await self._directory(route, call)
        call.user = self._user(route, call)
        if call.user < 0:
            return await self._work(route, call)
        meter = throttle.admit(app, call.user, len(call.body), call.now, call.asked)
        if isinstance(meter, Refused):
            raise self._too_many(meter)
        try:
            return await self._work(route, call, meter)
        finally:
            throttle.release(meter)

    async def _directory(self, route: Route, call: Call) -> Answer:
        cost = unit_cost(route, call)
        used = self.world.throttle.admit_directory(call.grant.app_id, cost, call.now, call.asked)
        if isinstance(used, Refused):
            scope = f"Tenant_Application/ReadWrite/{call.grant.app_id}/{self.world.tenant.id}"
            told = {"x-ms-throttle-scope": scope, "x-ms-throttle-information": "ResourceUnitLimitExceeded"}
            raise self._too_many(used, told | {"x-ms-resource-unit": str(cost)})
        answer = await self._work(route, call)
        headers = {"x-ms-resource-unit": str(cost), **answer.headers}
        if used >= 0.8:
            headers["x-ms-throttle-limit-percentage"] = f"{used:.2f}"
        return Answer(answer.status, answer.body, headers)

    def _too_many(self, refused: Refused, headers: Mapping[str, str] | None = None) -> Refusal:
        code, message = MESSAGES.get(refused.limit, ELSEWHERE)
        if refused.limit == "Fence" and refused.scope == "mailbox":
            code, message = MESSAGES["MailboxConcurrency"]
        return Refusal(429, code, message, {**(headers or {}), **retry_after(self.world.throttle.limits, refused.wait)})

    def _user(self, route: Route, call: Call) -> int:
        """The number of the mailbox that a call is for; -1 for none or an unknown one."""
        if route.service != "mailbox":
            return -1
        return self.world.tenant.find(call.keys[0])

    async def _work(self, route: Route, call: Call, meter: Meter | None = None) -> Answer:
        if not self.world.script and not self.world.latency:
            return self._done(route, call)
        fault = self._fault(call) if self.world.script else None
        wait = self.world.latency + (fault.seconds if fault and fault.kind == "slow" else 0)
        if wait:
            await asyncio.sleep(wait)
        if fault is not None and fault.kind == "lag":
            call.lag = fault.seconds
        elif fault is not None and fault.kind != "slow" and fault.kind not in SPOILING:
            return self._struck(fault, route, call, meter)
        answer = self._done(route, call)
        return spoil(fault, answer, call, self.world.foreign) if fault and fault.kind in SPOILING else answer

    def _done(self, route: Route, call: Call) -> Answer:
        self._check_rights(route, call)
        if route.service == "mailbox":
            self._check_mailbox(call)
        answer = route.work(self.world, call)
        if call.method != "GET" and answer.status < 300:
            self.world.books.effect(call.user, route.name, effect_key(call))
        return answer

    def _fault(self, call: Call) -> Fault | None:
        query = "&".join(f"{name}={value}" for name, value in call.options.items())
        subject = f"{call.method} /{'/'.join(call.segments)}" + (f"?{query}" if query else "")
        return self.world.script.strike(CALL, subject)

    def _struck(self, fault: Fault, route: Route, call: Call, meter: Meter | None) -> Answer:
        match fault.kind:
            case "throttle":
                raise self._too_many(self.world.throttle.hold(meter, fault.seconds, call.now, call.asked))
            case "expire" | "challenge":
                if fault.kind == "expire":
                    self.entra.expire()
                else:
                    self.entra.challenge()
                return self.entra.refuse(call.grant)
            case "gateway":
                self._done(route, call)
                return refusal(fault, 504)
            case "late":
                asyncio.get_running_loop().call_later(fault.seconds, self._belated, route, call)
                return refusal(fault, 504)
        return refusal(fault)

    def _belated(self, route: Route, call: Call) -> None:
        """Work that is done after its answer was sent; a refusal is not reported to anyone."""
        call.now = self.clock()
        with contextlib.suppress(Refusal):
            self._done(route, call)

    def _check_rights(self, route: Route, call: Call) -> None:
        grant = call.grant
        if not route.roles.isdisjoint(grant.roles) or not route.roles:
            return
        if grant.scoped_roles & route.roles and call.user >= 0 and self.world.groups.holds(grant.scope, call.user):
            return
        raise UNPRIVILEGED if route.service == "directory" else DENIED

    def _check_mailbox(self, call: Call) -> None:
        if call.user < 0:
            raise Refusal(404, "ErrorInvalidUser", f"The requested user '{call.keys[0][:80]}' is invalid.")
        state = self.world.tenant.state(call.user)
        if state is State.PRESENT:
            return
        if state in NO_MAILBOX:
            raise Refusal(404, *NO_MAILBOX[state])
        if state is State.DENIED:
            raise DENIED
        self._check_stale(state, call)

    def _check_stale(self, state: State, call: Call) -> None:
        """A moving mailbox comes back; a stale one answers only when asked for by its id."""
        self.world.asked[call.user] += 1
        by_address = "@" in call.keys[0]
        if self.world.asked[call.user] <= 2 if state is State.MOVING else by_address:
            text = f"Target resource '{self.world.tenant.guid(call.user)}' is currently on backend 'Unknown'"
            raise Refusal(503, "MailboxInfoStale", text)


def unit_cost(route: Route, call: Call) -> int:
    """Resource units of a directory request, by the published modifiers; never under 1."""
    top = call.options.get("$top", "")
    small = top.isdigit() and int(top) < 20
    return max(1, route.cost - ("$select" in call.options) + ("$expand" in call.options) - small)


def with_ids(body: Json, request_id: str, client_request_id: str) -> Json:
    """An error's body as it goes out: when, and under which ids."""
    inner = {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": client_request_id or request_id,
    }
    return {"error": {"innerError": inner, **body["error"]}}
