"""A lean Graph for benchmarks: one connection handler, no framework, so that it is not what is measured.

It answers `GET …/mailboxSettings` and `POST /v1.0/$batch` after a latency, keeps a tenant's rate with a token bucket
(or the harsher kind, which refuses everything until its Retry-After has passed), and counts what it saw. It shares
no code with bulkmail. Run it as `python -m tests.bench.server '{"port": 8000, "latency": 0.15}'`.
"""

import asyncio
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

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
BUSY = b'{"error":{"code":"serviceNotAvailable","message":"Service unavailable."}}'
REASONS = {200: b"OK", 429: b"Too Many Requests", 503: b"Service Unavailable"}
GRACE = 0.1  # seconds after a refusal in which others may still be on their way


@dataclass
class Settings:
    """Times in seconds. `moves` are (second of the run, new rate). Shares of requests for the faults."""

    port: int = 0
    latency: float = 0.0
    rate: float = 0.0
    burst: float = 100.0
    harsh: bool = False
    retry_after: float = 1.0
    moves: list[tuple[float, float]] = field(default_factory=list)
    refused: float = 0.0
    refused_wait: float = 2.0
    unavailable: float = 0.0
    reset: float = 0.0
    slow_key: str = ""
    slow: float = 0.0
    seed: int = 1


class Tenant:
    """The limit of the whole application, and the books."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.loop = asyncio.get_running_loop()
        self.tokens = settings.burst
        self.rate = settings.rate
        self.at = self.begun = 0.0
        self.fence = 0.0
        self.graced = 0.0
        self.fences: dict[bytes, tuple[float, float]] = {}
        self.books: Counter[str] = Counter()
        self.in_flight: Counter[bytes] = Counter()
        self.dice = random.Random(settings.seed)
        self.seconds: Counter[int] = Counter()

    def judge(self, key: bytes) -> tuple[int, bytes, float]:
        """Status, body and Retry-After of one request."""
        now = self.loop.time()
        if not self.begun:
            self.begun = self.at = now
        self.books["requests"] += 1
        settings = self.settings
        graced, until = self.fences.pop(key, (0.0, 0.0))
        if graced < now < until or self.graced < now < self.fence:
            self.books["early"] += 1
        if settings.rate and not self._admitted(now):
            self.books["refused"] += 1
            if not self.fence > now:
                self.graced = now + GRACE + settings.latency
                self.fence = now + settings.retry_after
            return 429, REFUSED, settings.retry_after
        if settings.refused and self.dice.random() < settings.refused:
            self.books["refused"] += 1
            self.fences[key] = (now + GRACE + settings.latency, now + settings.refused_wait)
            return 429, FULL, settings.refused_wait
        if settings.unavailable and self.dice.random() < settings.unavailable:
            self.books["unavailable"] += 1
            return 503, BUSY, 0.0
        self.books["good"] += 1
        self.seconds[int(now - self.begun)] += 1
        return 200, SETTINGS, 0.0

    def _admitted(self, now: float) -> bool:
        while self.settings.moves and now - self.begun >= self.settings.moves[0][0]:
            self.rate = self.settings.moves.pop(0)[1]
        if self.settings.harsh and now < self.fence:
            return False
        self.tokens = min(self.settings.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def began(self, key: bytes) -> None:
        self.in_flight[key] += 1
        if self.in_flight[key] > 4:
            self.books["breaches"] += 1

    def ended(self, key: bytes) -> None:
        self.in_flight[key] -= 1
        if not self.in_flight[key]:
            del self.in_flight[key]


class Exchange(asyncio.Protocol):
    """One connection: requests in, answers out, each after its latency."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.buffer = b""
        self.transport: Any = None

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

    def answer(self, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1]
        if path == b"/_books":
            self.send(
                200, orjson.dumps({**self.tenant.books, "seconds": self.tenant.seconds}, option=orjson.OPT_NON_STR_KEYS)
            )
        elif path.endswith(b"$batch"):
            self.batch(body)
        elif path.startswith(b"/v1.0/users/"):
            self.plain(path)
        else:
            self.transport.abort()

    def plain(self, path: bytes) -> None:
        tenant = self.tenant
        key = path.split(b"/", 4)[3]
        settings = tenant.settings
        tenant.began(key)
        if settings.reset and tenant.dice.random() < settings.reset:
            tenant.books["reset"] += 1
            tenant.ended(key)
            self.transport.abort()
            return
        status, content, wait = tenant.judge(key)
        latency = settings.slow if settings.slow_key and key == settings.slow_key.encode() else settings.latency
        if latency:
            tenant.loop.call_later(latency, self.finish, key, status, content, wait)
        else:
            self.finish(key, status, content, wait)

    def finish(self, key: bytes, status: int, content: bytes, wait: float) -> None:
        self.tenant.ended(key)
        self.send(status, content, wait)

    def batch(self, body: bytes) -> None:
        """Four parts at a time, whatever their mailboxes: the answer comes after as many rounds."""
        tenant = self.tenant
        entries = orjson.loads(body)["requests"]
        tenant.books["batches"] += 1
        answers = []
        keys = [entry["url"].split("/", 3)[2].encode() for entry in entries]
        for entry, key in zip(entries, keys, strict=True):
            tenant.began(key)
            status, content, wait = tenant.judge(key)
            headers = b',"Retry-After":"%g"' % wait if wait else b""
            answers.append(
                b'{"id":"%s","status":%d,"headers":{"Content-Type":"application/json"%s},"body":%s}'
                % (entry["id"].encode(), status, headers, content)
            )
        rounds = -(-len(entries) // 4)
        content = b'{"responses":[' + b",".join(answers) + b"]}"
        if tenant.settings.latency:
            tenant.loop.call_later(tenant.settings.latency * rounds, self.finish_batch, keys, content)
        else:
            self.finish_batch(keys, content)

    def finish_batch(self, keys: list[bytes], content: bytes) -> None:
        for key in keys:
            self.tenant.ended(key)
        self.send(200, content)

    def send(self, status: int, content: bytes, wait: float = 0.0) -> None:
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
