"""The service's limits, kept as the service keeps them: per app and mailbox, per app, per directory. Is told the time.

A refusal that tells a time puts a fence around its scope, and whatever arrives before that time is refused. What was
sent by a client that had read of the fence is counted as early and lengthens it; so a client that waits as it was told
is let in, and one that does not shows. What a client had read, `witness.causality` says.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from bulkmail.sim.limits.settings import Limits
from bulkmail.sim.witness.books import Books
from bulkmail.sim.witness.causality import Asked, Notice

MANY = 1 << 16
"""Mailboxes that are remembered to the last request. Past that, the idle ones that used less than a hundredth of every
limit are forgotten, so that a sweep over a million of them takes no memory; what is counted is then right to 1 %."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request was not let in, and the wait in seconds that would have let it in."""

    limit: str
    wait: float
    scope: str = "mailbox"


UNSAID = Notice()
"""That of all fences that were never raised."""


class Fence:
    """A scope that refuses everything until `until`, since it was `raised`. Its `notice` goes with each answer that
    says so."""

    __slots__ = ("notice", "raised", "until")

    def __init__(self) -> None:
        self.until = self.raised = 0.0
        self.notice = UNSAID


class Meter(Fence):
    """What one app used of one mailbox. The windows begin with the first request and are then begun anew."""

    __slots__ = ("flying", "requests", "requests_since", "sent", "sent_since", "upload", "upload_since")

    def __init__(self) -> None:
        super().__init__()
        self.flying = 0
        self.requests = self.upload = self.sent = 0
        self.requests_since = self.upload_since = -math.inf
        self.sent_since = 0.0


class Bucket(Fence):
    """A token bucket; `level` is what is left of `burst`, refilled at `rate` a second."""

    __slots__ = ("level", "since")

    def __init__(self, level: float) -> None:
        super().__init__()
        self.level = level
        self.since = 0.0

    def take(self, cost: float, rate: float, burst: float, now: float) -> float:
        """Takes `cost` and returns 0, or takes nothing and returns the seconds until there will be enough."""
        self.level = min(burst, self.level + (now - self.since) * rate)
        self.since = now
        if self.level >= cost:
            self.level -= cost
            return 0.0
        return (cost - self.level) / rate

    def used(self, burst: float) -> float:
        return 1.0 - self.level / burst


class Throttle:
    """Admits requests or refuses them. `limits` may be replaced at any time."""

    def __init__(self, limits: Limits, books: Books) -> None:
        self.limits = limits
        self.books = books
        self.meters: dict[tuple[str, int], Meter] = {}
        self.apps: dict[str, Bucket] = {}
        self.directories: dict[str, Bucket] = {}

    def admit(self, app: str, mailbox: int, upload: int, now: float, asked: Asked) -> Meter | Refused:
        """Lets a request to a mailbox in; its meter has to be given back to `release`. `upload` is in bytes.

        A part of a batch has its turn `now`, but was `asked` with the batch: it cannot know of a refusal in between.
        """
        meter = self.meters.get((app, mailbox))
        if meter is None:
            meter = self._new_meter(app, mailbox, now)
        if meter.until > now:
            if meter.flying >= self.limits.concurrency:
                self.books.breaches["MailboxConcurrency"] += 1
            return self._behind(meter, now, asked)
        refused = self._over(meter, upload, now, asked)
        if refused is not None:
            return refused
        meter.flying += 1
        self.books.most_per_mailbox = max(self.books.most_per_mailbox, meter.flying)
        return meter

    def release(self, meter: Meter) -> None:
        meter.flying -= 1

    def _new_meter(self, app: str, mailbox: int, now: float) -> Meter:
        if len(self.meters) >= MANY and len(self.meters) % MANY == 0:
            self.meters = {key: meter for key, meter in self.meters.items() if self._remembers(meter, now)}
        return self.meters.setdefault((app, mailbox), Meter())

    def _remembers(self, meter: Meter, now: float) -> bool:
        limits = self.limits
        if meter.flying or meter.sent or meter.until > now:
            return True
        asked = now - meter.requests_since < limits.requests_window and meter.requests * 100 >= limits.requests
        return asked or (now - meter.upload_since < limits.upload_window and meter.upload * 100 >= limits.upload)

    def _over(self, meter: Meter, upload: int, now: float, asked: Asked) -> Refused | None:
        limits = self.limits
        if now - meter.requests_since >= limits.requests_window:
            meter.requests_since, meter.requests = now, 0
        meter.requests += 1  # refused requests count too
        if upload:
            if now - meter.upload_since >= limits.upload_window:
                meter.upload_since, meter.upload = now, 0
            meter.upload += upload
            if meter.upload > limits.upload:
                return self._refuse(meter, "IncomingBytes", meter.upload_since + limits.upload_window - now, now, asked)
        if meter.requests > limits.requests:
            return self._refuse(meter, "Requests", meter.requests_since + limits.requests_window - now, now, asked)
        if meter.flying >= limits.concurrency:
            return self._refuse(meter, "MailboxConcurrency", 0.0, now, asked)
        return None

    def admit_app(self, app: str, now: float, asked: Asked) -> Refused | None:
        """Whether the app as a whole may send one more request."""
        limits = self.limits
        if not limits.rate:
            return None
        bucket = self.apps.get(app) or self.apps.setdefault(app, Bucket(limits.burst))
        fenced = bucket.until > now
        wait = 0.0 if fenced and limits.harsh else bucket.take(1, limits.rate, limits.burst, now)
        if fenced and (limits.harsh or wait):
            return self._behind(bucket, now, asked, "app")
        if fenced and asked.knows(bucket.notice):
            self.books.hurried(now - bucket.raised)  # let in by a mild tenant; it was told to wait all the same
        return self._refuse(bucket, "Rate", wait, now, asked, "app") if wait else None

    def admit_directory(self, app: str, cost: int, now: float, asked: Asked) -> Refused | float:
        """The share of the directory's units that is used up after this request, from 0 to 1, or the refusal."""
        burst = self.limits.units * 10  # published per 10 seconds
        bucket = self.directories.get(app) or self.directories.setdefault(app, Bucket(burst))
        if bucket.until > now:
            return self._behind(bucket, now, asked, "directory")
        wait = bucket.take(cost, self.limits.units, burst, now)
        return self._refuse(bucket, "ResourceUnits", wait, now, asked, "directory") if wait else bucket.used(burst)

    def hold(self, meter: Meter | None, seconds: float, now: float, asked: Asked) -> Refused:
        """A refusal out of the blue, of `seconds`, that is kept like any other."""
        wait = max(seconds, self.limits.wait)
        if meter is not None:
            self._raise(meter, wait, now, asked)
        return Refused("Trouble" if meter is None else "MailboxConcurrency", wait)

    def send(self, meter: Meter, now: float) -> float:
        """Seconds that a message is held back because its sender is over the messages of a minute.

        What is over is carried into the minutes that follow, and takes up what these allow.
        """
        if meter.sent == 0:
            meter.sent_since = now
        minutes = int((now - meter.sent_since) // 60)
        meter.sent_since += minutes * 60
        meter.sent = max(0, meter.sent - minutes * self.limits.messages)
        queued = meter.sent // self.limits.messages
        meter.sent += 1
        self.books.deferred += queued > 0
        return meter.sent_since + queued * 60 - now if queued else 0.0

    def _refuse(
        self, fence: Fence, limit: str, wait: float, now: float, asked: Asked, scope: str = "mailbox"
    ) -> Refused:
        self.books.breaches[limit] += 1
        wait = max(wait, self.limits.wait)
        self._raise(fence, wait, now, asked)
        return Refused(limit, wait, scope)

    def _raise(self, fence: Fence, wait: float, now: float, asked: Asked) -> None:
        """A fence that is told anew: what was read of an earlier one says nothing about it."""
        fence.until, fence.notice, fence.raised = now + told(self.limits, wait), Notice(), now
        asked.notices.append(fence.notice)

    def _behind(self, fence: Fence, now: float, asked: Asked, scope: str = "mailbox") -> Refused:
        self.books.fenced += 1
        if asked.knows(fence.notice):
            self.books.hurried(now - fence.raised)
            fence.until = max(fence.until, now + told(self.limits, self.limits.wait))
        asked.notices.append(fence.notice)
        return Refused("Fence", fence.until - now, scope)


def told(limits: Limits, wait: float) -> float:
    """The seconds that a Retry-After of this form makes a client wait; 0 where it tells no time."""
    if limits.form in {"integer", "date", "skewed", "joined"}:
        return float(math.ceil(wait))
    return wait if limits.form == "decimal" else 0.0


def retry_after(limits: Limits, wait: float) -> Mapping[str, str]:
    """The header, in the form that the limits choose."""
    seconds = math.ceil(wait)
    match limits.form:
        case "integer":
            text = str(seconds)
        case "decimal":
            text = f"{math.ceil(wait * 1000) / 1000:.3f}"
        case "date":
            text = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds + 1), usegmt=True)
        case "past":
            text = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
        case "skewed":  # of a server whose clock is an hour ahead: to be told from its own Date
            ahead = datetime.now(UTC) + timedelta(hours=1)
            text = format_datetime(ahead + timedelta(seconds=seconds + 1), usegmt=True)
            return {"Retry-After": text, "Date": format_datetime(ahead, usegmt=True)}
        case "joined":
            text = f"{seconds},{seconds}"
        case "zero" | "negative" | "garbage":
            text = {"zero": "0", "negative": "-5", "garbage": "soon"}[limits.form]
        case "absent":
            return {}
    return {"Retry-After": text}
