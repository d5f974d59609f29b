"""The nouns that rooms hand to each other, frozen, and the contracts between them. Knows no network, clock or file.

Those that are made for every request or mailbox are named tuples, which cost a third of a frozen dataclass.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from bulkmail.address import Address
from bulkmail.streams import Blob, Frame, Into, Pieces

Row: TypeAlias = dict[str, Any]
"""One line of a report: column name to a JSON value."""


class Checkpoint(dict[str, Any]):
    """Yielded by a task among its rows: `yield Checkpoint(page=7)`. It is not written as a row.

    The rows and blobs before it are durable, together with it, before the task goes on. A run that is resumed begins
    the task anew and gives it the last checkpoint of the mailbox, as `graph.checkpoint`. Its values are JSON, at most
    64 KB in all. Of a mailbox that fails later on, what was durable stays; a run of the failed ones begins them anew.
    """


NOTHING: Mapping[str, str] = MappingProxyType({})

ANYWHERE: AbstractContextManager[None] = nullcontext()
"""For a request that tells no other object of its waits."""


class Status(StrEnum):
    """How a mailbox ends; every mailbox of the input ends in exactly one."""

    OK = "ok"
    ABSENT = "absent"  # there is no mailbox at this address
    DENIED = "denied"  # the application may not touch this mailbox
    FAILED = "failed"
    UNKNOWN = "unknown"  # a write may or may not have happened
    NOT_RUN = "not_run"  # the run ended before its turn


class Effect(StrEnum):
    """What repeating a request does; decides what may happen when its answer is lost."""

    READ = "read"
    IDEMPOTENT = "idempotent"  # absolute values: PATCH, PUT, DELETE by id
    VERIFIED = "verified"  # read, change, write If-Match
    KEYED = "keyed"  # a create that carries a key to find it by
    NONE = "none"  # an action without trace: never repeated once it may have begun


class Ending(StrEnum):
    """What became of a change, as its ledger says; one without an ending may or may not have been made."""

    PLANNED = "planned"  # not sent: the run only plans
    DONE = "done"
    REFUSED = "refused"  # the service answered with an error, and nothing was changed
    UNSENT = "unsent"  # it never began
    UNKNOWN = "unknown"  # its answer was lost


key_of: Callable[[str], str] = str.casefold
"""What the limits of a mailbox are counted by, however its name is spelled: Exchange folds case in addresses, and so
does the directory in object ids."""


class Mailbox(NamedTuple):
    """One unit of work. `row` is its place in the input, counted from 1 with the header, as a spreadsheet counts."""

    address: str
    row: int
    id: str = ""  # the directory's object id, where the source knows it
    columns: Mapping[str, str] = NOTHING  # the row's other cells

    def __hash__(self) -> int:
        return hash((self.address, self.row, self.id))  # columns have none

    @property
    def name(self) -> str:
        """What its requests are addressed by, in the spelling of the input."""
        return self.id or self.address

    @property
    def key(self) -> str:
        """What its limits are counted by: its address, which its rows have in common, whether an id is known or not."""
        return key_of(self.address)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row of the input that becomes no mailbox. `value` is what stood there, `why` says it in words."""

    row: int
    reason: Literal["blank", "invalid", "duplicate"]
    value: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the rows of an input, each counted once: `rows` is the sum of all, always.

    `unique` are the mailboxes to be worked on. Those from `excluded` on were left out by the job: they are in its list
    of exceptions, do not fulfil its `where`, were skipped, were not drawn for the sample, or are beyond the limit.
    """

    unique: int = 0
    duplicates: int = 0
    blank: int = 0
    invalid: int = 0
    excluded: int = 0
    unmatched: int = 0
    skipped: int = 0
    unsampled: int = 0
    beyond: int = 0

    @property
    def left_out(self) -> int:
        """Mailboxes that the job does not want to be worked on."""
        return self.excluded + self.unmatched + self.skipped + self.unsampled + self.beyond

    @property
    def rows(self) -> int:
        return self.unique + self.duplicates + self.blank + self.invalid + self.left_out


class Change(NamedTuple):
    """What a write makes of one thing in its mailbox: enough to tell of it, and to take it back.

    `key` names the thing, alike in every run, such as `settings` or `contact:1017`. `before` and `after` are JSON; None
    stands for nothing there: without a before a thing is made, without an after it is deleted. A `further` one goes on
    with what this run has begun, as the sending of a draft does, and counts as one with it.
    """

    key: str
    before: Any = None
    after: Any = None
    further: bool = False


class Made(NamedTuple):
    """A change as the ledger remembers it. `id` is what the service calls a thing that was made, where it said so;
    `certain` is false where the answer was lost."""

    change: Change
    id: str = ""
    certain: bool = True


class Request(NamedTuple):
    """One call to Graph. `path` starts with a slash below the API version and is percent-encoded already."""

    method: str
    path: str
    mailbox: str = ""  # the mailbox that it goes to, as its path spells it; empty for the directory
    headers: Mapping[str, str] = NOTHING
    body: Any = None  # JSON
    effect: Effect = Effect.READ
    batchable: bool = True  # False: redirects, uploads and other things that cannot travel in a $batch
    fresh: bool = False  # wants a connection of its own: after a 503, or for much, which would leave its buffers behind
    row: int = 0  # the row of the input that it is for
    change: Change | None = None  # what it is for, if it writes
    page: bool = False  # of a list, and a smaller one can be asked for: no use in trying this one for long
    ready: Callable[[], Awaitable[None]] | None = None  # awaited when it has its slot, each time before it leaves
    content: bytes | None = None  # the body as it leaves, encoded once; see `core.content`
    raw: bool = False  # the answer's body is wanted as it comes, in bytes
    waits: AbstractContextManager[None] = ANYWHERE  # entered while it waits and is not under way
    doubtful: bool = False  # a batch that failed may have carried it out
    suspect: bool = False  # it has failed while others were served, which says nothing about the service
    address: Address | None = None  # it goes there, without a token, and `path` says nothing
    into: Into | None = None  # takes the body of a good answer as it comes; nothing of it is kept
    start: Callable[[], int] | None = None  # bytes of that body that were taken before: those behind are asked for
    pieces: Pieces | None = None  # a body for a pre-signed address that is made while it leaves, in place of `content`
    chain: Any = None  # what it shares its slot with; see `core.slots.chain`
    key: str = ""  # what the limits of its mailbox are counted by; empty: the key of `mailbox`

    @property
    def lane(self) -> str:
        """The key whose slots it uses."""
        return self.key or key_of(self.mailbox)

    def with_headers(self, headers: Mapping[str, str]) -> "Request":
        """The same with other headers. Each request is given some, and `_replace` would cost five times this."""
        return tuple.__new__(Request, (*self[:_HEADERS], headers, *self[_HEADERS + 1 :]))

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"  # headers may hold a token, and a body is private


_HEADERS = Request._fields.index("headers")


class Response(NamedTuple):
    """One answer. Header names are in lower case; `body` is decoded JSON, bytes if it is something else, or None.

    It is `doubtful` when it answers the repetition of a write that may have been carried out the first time.
    """

    status: int
    headers: Mapping[str, str] = NOTHING
    body: Any = None
    doubtful: bool = False


class Tally(NamedTuple):
    """What a mailbox cost: attempts sent, refusals by throttling, and seconds spent waiting for permission to send.

    `waited_for` is the limit that made it wait longest, such as `MailboxConcurrency, mailbox`; empty where none did,
    but only the pace and its own other requests.
    """

    requests: int = 0
    throttled: int = 0
    waited: float = 0.0
    waited_for: str = ""


class Wait(NamedTuple):
    """A mailbox, or all of them where it is empty, waits `seconds` more because of a limit: `by` names it."""

    mailbox: str
    seconds: float
    by: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a mailbox did not end `ok`; stable enough to sort and group by."""

    code: str
    message: str
    status: int = 0  # HTTP, or 0 where there was no answer
    request_id: str = ""
    client_request_id: str = ""


class Outcome(NamedTuple):
    """The verdict on one mailbox. `rows` counts its lines in the report, and `findings` those of them that should be
    looked into; `seconds` is the time it was worked on."""

    mailbox: Mailbox
    status: Status
    rows: int = 0
    tally: Tally = Tally()
    seconds: float = 0.0
    problem: Problem | None = None
    findings: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth telling while it happens. `kind` is one of `throttled`, `retried`, `paused`.

    `text` of the first says which limit was met, and of what; of `paused`, what is waited for.
    """

    kind: Literal["throttled", "retried", "paused"]
    text: str
    mailbox: str = ""
    seconds: float = 0.0  # how long the wait will be
    longer: float = 0.0  # of these, what comes on top of waits that were told before


class Transport(Protocol):
    """Answers requests, one at a time or many at once. Raises TransportError where there is no answer to give."""

    async def send(self, request: Request, /) -> Response: ...


class Ledger(Protocol):
    """Notes what is to be changed before it is, and what became of it."""

    async def plan(self, request: Request, /) -> None:
        """A write that is not sent. Raises OutputError."""

    async def intend(self, request: Request, /) -> int:
        """Returns the number of the change once its intent would survive a power cut; only then the request may leave.

        Raises OutputError, and ChangesExhausted where no more may be changed.
        """

    def conclude(self, number: int, request: Request, ending: Ending, id: str = "", /) -> None:  # noqa: A002
        """What became of a change. `id` is the new thing's."""


class Lanes(Protocol):
    """Knows which mailboxes are being worked on, and what each of them cost."""

    def enter(self, key: str, /) -> None: ...
    def leave(self, key: str, /) -> Tally: ...
    def room(self) -> bool:
        """Whether another mailbox would begin soon; otherwise it would only wait with those that wait already."""

    def call_for_more(self, wanted: Callable[[], None], /) -> None:
        """Have `wanted` called, and called again, while there is room."""

    def begun(self, key: str, /) -> bool:
        """Whether a request of this mailbox has left already."""


class BlobFile(Protocol):
    """A blob while it is written."""

    async def write(self, chunk: bytes, /) -> None:
        """A few megabytes at the most. Raises OutputError."""

    @property
    def blob(self) -> Blob:
        """Where it lies, once it is complete."""


class Store(Protocol):
    """What a task leaves beside its rows, and what was left there for it."""

    @property
    def checkpoint(self) -> Mapping[str, Any]:
        """The last checkpoint of the mailbox in this run; empty where it begins anew."""

    @property
    def state(self) -> dict[str, Any]:
        """What the mailbox left in an earlier run of the task with these options, by name. Values are JSON; what is
        in it when the mailbox ends as ok is left for the next run."""

    @property
    def turn(self) -> AbstractAsyncContextManager[object]:
        """Held while content is streamed into a blob: few are at a time in all mailboxes, since each takes memory."""

    def blob(
        self, name: str, frame: Frame | None = None, /, *, hashed: bool = True
    ) -> AbstractAsyncContextManager[BlobFile]:
        """A new blob in the mailbox's file of this name, within `frame`. What is not `hashed` has no digest."""

    def carried(self, done: int, expected: int, /) -> None: ...  # bytes that were moved, and about how many will be


class Direct(Protocol):
    """Reads what lies at pre-signed addresses, without a token."""

    def read(self, address: Address, /, *, most: int, start: int = 0) -> AsyncIterator[bytes]:
        """The content from byte `start` on, at most `most` bytes, in chunks. Raises LinkRefused for a host that is not
        listed, GraphError and TransportError."""


class Reporter(Protocol):
    """Hears of events. Must return at once and must not raise."""

    def __call__(self, event: Event, /) -> None: ...


class TokenSource(Protocol):
    """Gives an app-only access token, renewed ahead of its expiry.

    `refused` is a token that Graph answered with 401: it is not given again. `claims` is the decoded claims
    challenge of that answer, or empty. Raises SignInError.
    """

    async def token(self, *, refused: str = "", claims: str = "") -> str: ...


@dataclass(frozen=True, slots=True)
class Digest:
    """What identifies a file or an input: the number of its bytes, and their SHA-256 in hex."""

    bytes: int
    sha256: str


Chunks: TypeAlias = AsyncIterable[Sequence[Mailbox | Rejected]]
"""Rows of the input, at most a few hundred at a time, so that a million of them never sit in memory."""


class Source(Protocol):
    """An input: yields its rows in chunks. Raises InputError for one that is not a list of mailboxes at all."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def replayable(self) -> bool:
        """Whether it can be read again. What can be read only once is spooled before anything is done."""

    @property
    def counts(self) -> Counts:
        """True for the rows that the present reading has yielded so far."""

    def digest(self) -> Digest | None:
        """Of the bytes that the last whole reading read; None before there was one, and where there are no bytes."""

    def size(self) -> int | None:
        """The mailboxes that the last whole reading found; None before there was one."""

    def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]: ...
