"""A lean Graph for benchmarks: one connection handler, no framework, so that it is not what is measured.

It answers `GET …/mailboxSettings`, pages of `…/messages`, single messages and `POST /v1.0/$batch` after a latency,
keeps a tenant's rate with a token bucket (or the harsher kind, which refuses everything until its Retry-After has
passed), and counts what it saw. It shares no code with bulkmail. Run it as
`python -m tests.bench.server '{"port": 8000, "latency": 0.15}'`.
"""

import asyncio
import math
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

SETTINGS = orjson.dumps({
    "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users('x')/mailboxSettings",
    "archiveFolder": "AAMkAGVmMDEz",
    "timeZone": "W. Europe Standard Time",
    "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
    "dateFormat": "dd.MM.yyyy",
    "timeFormat": "HH:mm",
    "userPurpose": "user",
    "automaticRepliesSetting": {
        "status": "disabled",
        "externalAudience": "all",
        "internalReplyMessage": "",
        "externalReplyMessage": "",
        "scheduledStartDateTime": {"dateTime": "2026-11-23T17:00:00.0000000", "timeZone": "UTC"},
        "scheduledEndDateTime": {"dateTime": "2026-11-24T17:00:00.0000000", "timeZone": "UTC"},
    },
    "language": {"locale": "de-DE", "displayName": "German (Germany)"},
    "workingHours": {
        "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        "startTime": "08:00:00.0000000",
        "endTime": "17:00:00.0000000",
        "timeZone": {"name": "W. Europe Standard Time"},
    },
})  # fmt: skip
REFUSED = b'{"error":{"code":"TooManyRequests","message":"Please retry again later."}}'
FULL = b'{"error":{"code":"ApplicationThrottled","message":"Application is over its IncomingBytes limit."}}'
CROWDED = b'{"error":{"code":"ApplicationThrottled","message":"Application is over its MailboxConcurrency limit."}}'
MESSAGE = b'{"id":"m","subject":"Minutes of Monday","isRead":true,"receivedDateTime":"2026-11-23T17:00:00Z"}'
BUSY = b'{"error":{"code":"serviceNotAvailable","message":"Service unavailable."}}'
REASONS = {200: b"OK", 429: b"Too Many Requests", 503: b"Service Unavailable"}


@dataclass
class Settings:
    """Times in seconds. `moves` are (second of the run, new rate). Shares of requests for the faults.

    A `noise` share of all requests is refused for the whole application, whatever its rate.

    `odd` is one mailbox that is not like the others: it has `odd_messages`, answers after `odd_latency` where that is
    given, and refuses everything for the first `odd_refuses` seconds.
    """

    port: int = 0
    latency: float = 0.0
    rate: float = 0.0
    burst: float = 100.0
    harsh: bool = False
    retry_after: float = 1.0
    moves: list[tuple[float, float]] = field(default_factory=list)
    refused: float = 0.0
    refused_wait: float = 2.0
    noise: float = 0.0
    noise_wait: float = 1.0
    unavailable: float = 0.0
    reset: float = 0.0
    messages: int = 10
    odd: str = ""
    odd_messages: int = 10
    odd_latency: float = 0.0
    odd_refuses: float = 0.0
    seed: int = 1


@dataclass(slots=True)
class Fence:
    """Nothing is to come before `until` from a client that has read the refusal, which was `told` at an instant.

    A client has read what it goes on after: it sends its next request on a connection when it has read the answer
    there. A request behind an answer that was told after the refusal shows that the refusal lay before the client, too,
    and one hop is over; what comes behind an answer that was told after HOPS of them is early. Only the order counts,
    so a machine that stands still for a while accuses nobody. The first requests of a connection are never early.
    """

    until: float = 0.0
    told: float = math.inf

    def is_broken(self, by: "Exchange", now: float) -> bool:
        return now < self.until and self.told < by.shown[HOPS]


@dataclass(slots=True)
class Chain:
    """What one mailbox met on its way to an answer: `place` is its turn among all, `asked_to_wait` is in seconds."""

    place: int
    attempts: int = 0
    asked_to_wait: float = 0.0


@dataclass(slots=True)
class Slots:
    """How busy the odd mailbox was kept: seconds of all its requests together, from the first to the last."""

    began: float = 0.0
    ended: float = 0.0
    busy: float = 0.0


OPEN = Fence()
HOPS = 2
"""Not one: a client may go on with another answer first that it has read at the same time."""


class Tenant:
    """The limit of the whole application, and the books."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.loop = asyncio.get_running_loop()
        self.tokens = settings.burst
        self.rate = settings.rate
        self.at = self.begun = 0.0
        self.fence = OPEN
        self.fences: dict[bytes, Fence] = {}
        self.shown = [-math.inf] * HOPS  # by hops, the latest of what any request shows its client to know
        self.books: Counter[str] = Counter()
        self.in_flight: Counter[bytes] = Counter()
        self.dice = random.Random(settings.seed)
        self.seconds: Counter[int] = Counter()
        self.odd = settings.odd.encode()
        self.slots = Slots()
        self.others_ended = 0.0
        self.faulty = bool(settings.refused or settings.unavailable or settings.reset)
        self.chains: dict[bytes, Chain] = {}

    def account(self) -> dict[str, Any]:
        """The books, for `GET /_books`."""
        slots, span = self.slots, max(self.slots.ended - self.slots.began, 1e-9)
        return {
            **self.books, "seconds": self.seconds, "odd_busy": slots.busy / span, "odd_seconds": span,
            "others_ended": self.others_ended,
            "chains": [(it.place, it.attempts, it.asked_to_wait) for it in self.chains.values() if it.attempts > 1],
        }  # fmt: skip

    def judge(self, key: bytes, by: "Exchange") -> tuple[int, bytes, float]:
        """Status, body and Retry-After of one request; a status of 0 breaks the connection."""
        now = self.loop.time()
        if not self.begun:
            self.begun = self.at = now
        self.books["requests"] += 1
        settings = self.settings
        if self.fence.is_broken(by, now) or self.fences.pop(key, OPEN).is_broken(by, now):
            self.books["early"] += 1
        if settings.noise and self.dice.random() < settings.noise:
            return self._refuse_all(now, settings.noise_wait, by)
        if settings.rate and not self._admitted(now):
            return self._refuse_all(now, settings.retry_after, by)
        if self.odd == key and now - self.begun < settings.odd_refuses:
            return self._refuse(key, now, CROWDED, by)
        if self.faulty and (answer := self._fault(key, now, by)) is not None:
            return answer
        self.books["good"] += 1
        self.seconds[int(now - self.begun)] += 1
        return 200, SETTINGS, 0.0

    def _refuse_all(self, now: float, wait: float, by: "Exchange") -> tuple[int, bytes, float]:
        """A refusal of the whole application."""
        self.books["refused"] += 1
        if not self.fence.until > now:
            self.fence = by.fenced(now + wait)
        return 429, REFUSED, wait

    def _refuse(self, key: bytes, now: float, body: bytes, by: "Exchange") -> tuple[int, bytes, float]:
        """A refusal of this mailbox alone."""
        self.books["refused"] += 1
        wait = self.settings.refused_wait
        self.fences[key] = by.fenced(now + wait)
        return 429, body, wait

    def _fault(self, key: bytes, now: float, by: "Exchange") -> tuple[int, bytes, float] | None:
        settings, throw = self.settings, self.dice.random()
        chain = self.chains.setdefault(key, Chain(len(self.chains)))
        chain.attempts += 1
        if throw < settings.refused:
            chain.asked_to_wait += settings.refused_wait
            return self._refuse(key, now, FULL, by)
        throw -= settings.refused
        if throw < settings.unavailable:
            self.books["unavailable"] += 1
            return 503, BUSY, 0.0
        if throw - settings.unavailable < settings.reset:
            self.books["reset"] += 1
            return 0, b"", 0.0
        return None

    def _admitted(self, now: float) -> bool:
        while self.settings.moves and now - self.begun >= self.settings.moves[0][0]:
            self.rate = self.settings.moves.pop(0)[1]
        if self.settings.harsh and now < self.fence.until:
            return False
        self.tokens = min(self.settings.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def latency_of(self, key: bytes) -> float:
        return self.settings.odd_latency or self.settings.latency if self.odd == key else self.settings.latency

    def began(self, key: bytes) -> None:
        self.in_flight[key] += 1
        if self.in_flight[key] > 4:
            self.books["breaches"] += 1
        if self.odd == key:
            now = self.loop.time()
            self.slots.began = self.slots.began or now
            self.slots.busy -= now

    def ended(self, key: bytes) -> None:
        self.in_flight[key] -= 1
        if not self.in_flight[key]:
            del self.in_flight[key]
        if self.odd == key:
            self.slots.ended = self.loop.time()
            self.slots.busy += self.slots.ended
        elif self.odd:
            self.others_ended = self.loop.time() - self.begun


class Exchange(asyncio.Protocol):
    """One connection: requests in, answers out, each after its latency."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.buffer = b""
        self.transport: Any = None
        self.shown = [-math.inf] * (1 + HOPS)  # when the last answer was told, and what its client had shown by then
        self.untold: list[Fence] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.tenant.books["connections"] += 1

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head, body_at = self.buffer[:end], end + 4
            size = 0
            if head.startswith(b"POST"):
                lower = head.lower()
                at = lower.index(b"content-length:") + 15
                size = int(lower[at:].split(b"\r\n", 1)[0])
            if len(self.buffer) < body_at + size:
                return
            body, self.buffer = self.buffer[body_at : body_at + size], self.buffer[body_at + size :]
            self.answer(head, body)

    def fenced(self, until: float) -> Fence:
        """A fence that is told with the answer."""
        fence = Fence(until)
        self.untold.append(fence)
        return fence

    def answer(self, head: bytes, body: bytes) -> None:
        self.tenant.shown = [*map(max, self.tenant.shown, self.shown)]
        path = head.split(b" ", 2)[1]
        if path == b"/_books":
            self.send(200, orjson.dumps(self.tenant.account(), option=orjson.OPT_NON_STR_KEYS))
        elif path.endswith(b"$batch"):
            self.batch(body)
        elif path.startswith(b"/v1.0/users/"):
            self.plain(path)
        else:
            self.transport.abort()

    def plain(self, path: bytes) -> None:
        tenant = self.tenant
        key = path.split(b"/", 4)[3]
        tenant.began(key)
        latency = tenant.latency_of(key)
        status, content, wait = tenant.judge(key, self)
        if not status:
            tenant.ended(key)
            self.transport.abort()
            return
        if status == 200 and b"/messages" in path:
            content = self.messages(key, path.decode())
        if latency:
            tenant.loop.call_later(latency, self.finish, key, status, content, wait)
        else:
            self.finish(key, status, content, wait)

    def messages(self, key: bytes, path: str) -> bytes:
        """A page of ids with the link to the next one, or a single message."""
        parts = urlsplit(path)
        if not parts.path.endswith("/messages"):
            return MESSAGE
        settings, asked = self.tenant.settings, parse_qs(parts.query)
        top, skip = (int(asked.get(name, [fallback])[0]) for name, fallback in (("$top", "10"), ("$skip", "0")))
        there = settings.odd_messages if self.tenant.odd == key else settings.messages
        page: dict[str, Any] = {"value": [{"id": f"m{number}"} for number in range(skip, min(skip + top, there))]}
        if skip + top < there:
            host, port = self.transport.get_extra_info("sockname")[:2]
            page["@odata.nextLink"] = f"http://{host}:{port}{parts.path}?$top={top}&$skip={skip + top}"
        return orjson.dumps(page)

    def finish(self, key: bytes, status: int, content: bytes, wait: float) -> None:
        self.tenant.ended(key)
        self.send(status, content, wait)

    def batch(self, body: bytes) -> None:
        """Four parts at a time, whatever their mailboxes: the answer comes after as many rounds."""
        tenant = self.tenant
        entries = orjson.loads(body)["requests"]
        tenant.books["batches"] += 1
        answers = []
        told = tenant.settings.latency * -(-len(entries) // 4)
        keys = [entry["url"].split("/", 3)[2].encode() for entry in entries]
        for entry, key in zip(entries, keys, strict=True):
            tenant.began(key)
            status, content, wait = tenant.judge(key, self)
            status = status or 503  # a part has no connection of its own to break
            headers = b',"Retry-After":"%g"' % wait if wait else b""
            answers.append(
                b'{"id":"%s","status":%d,"headers":{"Content-Type":"application/json"%s},"body":%s}'
                % (entry["id"].encode(), status, headers, content)
            )
        content = b'{"responses":[' + b",".join(answers) + b"]}"
        if told:
            tenant.loop.call_later(told, self.finish_batch, keys, content)
        else:
            self.finish_batch(keys, content)

    def finish_batch(self, keys: list[bytes], content: bytes) -> None:
        for key in keys:
            self.tenant.ended(key)
        self.send(200, content)

    def send(self, status: int, content: bytes, wait: float = 0.0) -> None:
        now = self.tenant.loop.time()
        self.shown = [now, *self.tenant.shown]
        for fence in self.untold:
            fence.told = now
        self.untold.clear()
        extra = b"Retry-After: %g\r\n" % wait if wait else b""
        self.transport.write(
            b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s"
            % (status, REASONS[status], extra, len(content), content)
        )


async def serve(settings: Settings) -> None:
    tenant = Tenant(settings)
    server = await asyncio.get_running_loop().create_server(
        lambda: Exchange(tenant), "127.0.0.1", settings.port, backlog=8192
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    settings = Settings(**orjson.loads(sys.argv[1]))
    try:
        import uvloop

        uvloop.run(serve(settings))
    except ImportError:
        asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
