"""What a rehearsal is like: the tenant, its moods and its limits, as frozen values. Keeps none of them."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bulkmail.sim.faults.script import Fault

RetryAfterForm: TypeAlias = Literal[
    "integer", "decimal", "date", "past", "skewed", "absent", "zero", "negative", "garbage", "joined",
]  # fmt: skip
CertificateFlaw: TypeAlias = Literal["", "expired", "other-name", "self-signed"]
BatchRule: TypeAlias = Literal["four", "all", "app"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the service permits. The figures are those of Graph's page on throttling limits (February 2026).

    `rate` is app-wide, in requests a second with `burst` at once; 0 stands for no such limit. A `harsh` tenant
    refuses everything of the app, once it was over its rate, until the time that it told has passed.
    """

    concurrency: int = 4  # requests in flight for an app and a mailbox
    requests: int = 10_000  # for an app and a mailbox in `requests_window` seconds
    requests_window: float = 600.0
    upload: int = 150_000_000  # bytes of PATCH, POST and PUT for an app and a mailbox in `upload_window` seconds
    upload_window: float = 300.0
    messages: int = 30  # a sender's messages a minute; what is over goes out in a later minute
    rate: float = 0.0
    burst: int = 100
    harsh: bool = False
    units: float = 800.0  # directory resource units a second: 8,000 in 10 s for a tenant of more than 500 users
    wait: float = 1.0  # the least time that a refusal asks for, in seconds
    form: RetryAfterForm = "integer"

    def __post_init__(self) -> None:
        if min(self.concurrency, self.requests, self.upload, self.messages, self.burst) < 1:
            raise ValueError("a limit must allow at least 1")
        if min(self.rate, self.wait) < 0 or min(self.units, self.requests_window, self.upload_window) <= 0:
            raise ValueError("rates, waits and windows must not be negative")


@dataclass(frozen=True, slots=True)
class Settings:
    """A rehearsal. Shares (`absent`, `denied`, …) are parts of all mailboxes, from 0 to 1; times are in seconds.

    With `tls` one port serves Entra and Graph. Without it Graph speaks plain http and Entra has `login_port`, always
    with TLS, because MSAL takes no other authority. Port 0 stands for any free one.
    """

    mailboxes: int = 2000
    attachment: int = 0  # bytes of each file that came attached to a message; 0: a few thousand at the most
    ranges: bool = True  # an attachment can be read from any byte on
    items: int = 0  # messages of every mailbox; 0: few in most, hundreds in some
    smallest_item: int = 1000  # bytes of a message, where `largest_item` is given
    largest_item: int = 0  # 0: up to 92 KB
    typical_item: int = 0  # half are smaller, sizes are log-normal; 0: all are as likely on a logarithmic scale
    session_life: float = 7200.0  # how long a session for imports is good
    seed: int = 1
    latency: float = 0.0  # of a request or a part of a batch, while it is in flight for its mailbox
    round_trip: float = 0.0  # of an exchange: there and back, while the service knows nothing of it
    host: str = "127.0.0.1"
    port: int = 0
    login_port: int = 0
    seen_at: str = ""
    foreign_port: int = 0
    signed_port: int = 0  # of pre-authenticated addresses: uploads, imports, reports
    tls: bool = True
    flaw: CertificateFlaw = ""  # what is wrong with the certificate that the listeners show
    token_life: int = 3599
    absent: float = 0.02  # users without a mailbox
    denied: float = 0.005  # mailboxes outside the app's reach
    moving: float = 0.001  # mailboxes that answer MailboxInfoStale the first two times
    send_delay: float = 0.0  # seconds until a sent message is in Sent Items
    stale: float = 0.0  # mailboxes that answer MailboxInfoStale for ever when asked for by address, never by id
    strict_replies: bool = False  # automatic replies that are switched on must have texts, as Exchange's cmdlet demands
    concealed: bool = False  # usage reports show hashes in place of names, as most tenants have them
    batch: BatchRule = "four"  # how many parts of a batch run at once; "all" and "app" are older behaviours
    limits: Limits = field(default_factory=Limits)
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.mailboxes <= 1 << 32:
            raise ValueError("mailboxes must be from 1 to 4294967296")
        times = (self.latency, self.round_trip, self.send_delay)
        if min(*times, self.absent, self.denied, self.moving, self.stale) < 0:
            raise ValueError("times and shares must not be negative")
        if self.absent + self.denied + self.moving + self.stale > 1:
            raise ValueError("the shares of absent, denied, moving and stale mailboxes add up to more than 1")
        if self.attachment < 0:
            raise ValueError("attachment must not be negative")
        if self.items < 0 or self.session_life < 0 or not 0 < self.smallest_item <= (self.largest_item or 1 << 62):
            raise ValueError("items must not be negative, and the smallest item not larger than the largest")
        if self.typical_item and not self.smallest_item <= self.typical_item <= self.largest_item:
            raise ValueError("the typical item must be between the smallest and the largest")
        if self.token_life < 1:
            raise ValueError("token_life must be at least 1 second")
