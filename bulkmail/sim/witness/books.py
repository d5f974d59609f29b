"""What the simulator saw, counted: the oracle of a rehearsal. Only counts; judges nothing."""

from collections import Counter
from itertools import islice
from typing import Any, NamedTuple

Json = dict[str, Any]
SHOWN = 100  # repeated effects that are told one by one


class Effect(NamedTuple):
    """Something that was written: in which mailbox, by which route, and the key that it is known by."""

    mailbox: int
    route: str
    key: str

    def __str__(self) -> str:
        return f"{self.mailbox} {self.route} {self.key}"


class Books:
    """A request counts when it is answered; a plain request or one part of a batch is one unit in flight."""

    def __init__(self) -> None:
        self.requests = 0  # HTTP requests to Graph, a batch being one
        self.parts = 0
        self.batches = 0
        self.routes: Counter[tuple[str, int]] = Counter()
        self.tokens: Counter[int] = Counter()  # answers of the token endpoint by status
        self.flying = 0
        self.most_flying = 0
        self.most_per_mailbox = 0
        self.breaches: Counter[str] = Counter()  # limit -> requests that it refused
        self.early = 0  # requests to a fenced scope before the time that its Retry-After told
        self.longest = 0.0  # seconds from the rise of a fence to the last early request, at the most
        self.fenced = 0  # requests refused because of a fence, early ones included
        self.faults: Counter[str] = Counter()
        self.effects: Counter[Effect] = Counter()
        self.streams: Counter[tuple[int, int]] = Counter()  # of exported items, by mailbox and number
        self.deferred = 0  # messages held back to a later minute
        self.links_leaked = 0  # requests to a pre-authenticated address that carried a token
        self.foreign: Counter[str] = Counter()  # requests to the foreign host by path
        self.foreign_tokens = 0  # of these, how many carried an Authorization header
        self.lacking: Counter[str] = Counter()  # resources that the simulator does not have

    def took_off(self) -> None:
        self.flying += 1
        self.most_flying = max(self.most_flying, self.flying)

    def landed(self) -> None:
        self.flying -= 1

    def hurried(self, after: float) -> None:
        """A request came early, so many seconds after the fence went up."""
        self.early += 1
        self.longest = max(self.longest, after)

    def effect(self, mailbox: int, route: str, key: str) -> None:
        self.effects[Effect(mailbox, route, key)] += 1

    def streams_of(self) -> dict[str, dict[str, int]]:
        """By mailbox: how many items were exported, and how many streams were sent for them."""
        told: dict[str, dict[str, int]] = {}
        for (mailbox, _), count in self.streams.items():
            mine = told.setdefault(str(mailbox), {"items": 0, "sent": 0})
            mine["items"] += 1
            mine["sent"] += count
        return told

    def effects_of(self, key: str) -> dict[str, int]:
        """How often something was done to what is known by this key: mailbox and route to the count."""
        return {f"{e.mailbox} {e.route}": count for e, count in sorted(self.effects.items()) if e.key == key}

    def snapshot(self, *, effects: bool = False) -> Json:
        """The counts as JSON; with `effects`, every write by its key as well, and the streams of each mailbox."""
        statuses: Counter[str] = Counter()
        routes: dict[str, dict[str, int]] = {}
        for (route, status), count in sorted(self.routes.items()):
            statuses[str(status)] += count
            routes.setdefault(route, {})[str(status)] = count
        again: Counter[str] = Counter()
        for effect, count in self.effects.items():
            again[effect.route] += count - 1
        repeated = {str(effect): count for effect, count in sorted(self.effects.items()) if count > 1}
        return {
            "requests": self.requests,
            "batches": self.batches,
            "parts": self.parts,
            "statuses": dict(sorted(statuses.items())),
            "routes": routes,
            "tokens": {str(status): count for status, count in sorted(self.tokens.items())},
            "in_flight": self.flying,
            "most_in_flight": self.most_flying,
            "most_in_flight_per_mailbox": self.most_per_mailbox,
            "breaches": dict(sorted(self.breaches.items())),
            "early": self.early,
            "early_after": round(self.longest, 3),
            "fenced": self.fenced,
            "faults": dict(sorted(self.faults.items())),
            "effects": {
                "total": self.effects.total(),
                "keys": len(self.effects),
                "again": {route: count for route, count in sorted(again.items()) if count},
                "repeated": repeated if effects else dict(islice(repeated.items(), SHOWN)),
            }
            | ({"all": {str(effect): count for effect, count in sorted(self.effects.items())}} if effects else {}),
            "streams": self.streams_of() if effects else {},
            "deferred_messages": self.deferred,
            "links_leaked": self.links_leaked,
            "foreign": {"requests": dict(sorted(self.foreign.items())), "with_token": self.foreign_tokens},
            "lacking": dict(sorted(self.lacking.items())),
        }
