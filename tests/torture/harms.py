"""What is done to a run with workers while it goes: to one of its workers, to the line of one, or to its coordinator.

A harm that lasts is undone in its time, and a worker that was cut off from its coordinator is looked at then: from the
end of its lease on it has sent nothing to the service.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from tests.torture.proxy import Proxy

WORKERS = {"kill": 5, "stop": 3, "stall": 2, "mute": 1, "reset": 1}
"""Harms to one worker, and how often each is drawn: SIGKILL, SIGSTOP for longer than the lease, and the ways to cut its
line to the coordinator (see `proxy`)."""

COORDINATORS = {"coordinator": 3, "orphans": 3, "doze": 1}
"""Harms to the coordinator: SIGKILL; the same while its workers are stopped, so that they wake when the next one is at
work; SIGSTOP for longer than the lease."""

AGAIN = "mailboxes begin again elsewhere"


@dataclass(slots=True)
class Found:
    """What rounds came to. `again` counts sessions that were given up; `latest` is when the last request left a worker
    that was cut off from its coordinator, in shares of its lease."""

    rounds: int = 0
    mailboxes: int = 0
    again: int = 0
    latest: float = 0.0
    harms: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Found") -> None:
        self.rounds += other.rounds
        self.mailboxes += other.mailboxes
        self.again += other.again
        self.latest = max(self.latest, other.latest)
        self.harms += other.harms
        self.wrong += other.wrong

    def done(self, kinds: Mapping[str, int]) -> int:
        return sum(self.harms[kind] for kind in kinds)


class Place(Protocol):
    """Where the workers of a run are. `calls` is between them and the coordinator, `graph` between them and the
    service; None where there is no proxy."""

    calls: Proxy | None
    graph: Proxy | None

    def table(self) -> str:
        """The table `[cluster]` of the job."""

    def at_work(self, coordinator: int, since: float) -> Sequence[int]:
        """The workers that work for this process, which was started at an instant of CLOCK_MONOTONIC."""


class Harms:
    """Of one round, whose lease is in seconds; `most` of each kind are done."""

    def __init__(self, place: Place, lease: float, dice: random.Random, found: Found, most: Mapping[str, int]) -> None:
        self._place = place
        self._lease = lease
        self._dice = dice
        self._found = found
        self._left = dict(most)
        self._lasting: dict[int, tuple[float, Callable[[], None]]] = {}  # when each is undone, by process

    def undo(self, until: float | None = None) -> None:
        """What has lasted long enough; all of it without an instant."""
        for pid, (at, undo) in list(self._lasting.items()):
            if until is None or at <= until:
                del self._lasting[pid]
                undo()

    def strike(self, coordinator: int, since: float) -> None:
        """Once, if there is a worker at work that is not harmed yet, and a harm left."""
        victims = [pid for pid in self._place.at_work(coordinator, since) if pid not in self._lasting]
        kinds = {kind: weight for kind, weight in self._kinds().items() if weight}
        if not victims or not kinds or coordinator in self._lasting:
            return
        kind = self._dice.choices(list(kinds), list(kinds.values()))[0]
        self._count(kind)
        with suppress(ProcessLookupError):
            if kind in WORKERS:
                self._worker(kind, self._dice.choice(victims))
            else:
                self._coordinator(kind, coordinator, victims)

    def _kinds(self) -> dict[str, int]:
        proxied = self._place.calls is not None
        workers = {kind: weight for kind, weight in WORKERS.items() if proxied or kind in ("kill", "stop")}
        return (workers if self._left["workers"] > 0 else {}) | (COORDINATORS if self._left["coordinators"] > 0 else {})

    def _count(self, kind: str) -> None:
        self._left["workers" if kind in WORKERS else "coordinators"] -= 1
        self._found.harms[kind] += 1

    def _worker(self, kind: str, pid: int) -> None:
        if kind == "kill":
            os.kill(pid, signal.SIGKILL)
        elif kind == "stop":
            self._stop(pid, self._dice.uniform(1.1, 2.0) * self._lease)
        else:
            assert self._place.calls is not None
            begun = self._place.calls.cut(pid, kind)
            self._later(pid, self._dice.uniform(1.3, 2.0) * self._lease, partial(self._heal, pid, kind, begun))

    def _coordinator(self, kind: str, coordinator: int, victims: Sequence[int]) -> None:
        if kind == "doze":
            self._stop(coordinator, self._dice.uniform(1.1, 1.5) * self._lease)
            return
        if kind == "orphans":
            for pid in victims:
                self._stop(pid, self._dice.uniform(0.2, 0.95) * self._lease)
        os.kill(coordinator, signal.SIGKILL)

    def _stop(self, pid: int, seconds: float) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            self._later(pid, seconds, partial(_wake, pid))

    def _later(self, pid: int, seconds: float, undo: Callable[[], None]) -> None:
        self._lasting[pid] = time.monotonic() + seconds, undo

    def _heal(self, pid: int, kind: str, begun: float) -> None:
        calls, graph = self._place.calls, self._place.graph
        assert calls is not None
        assert graph is not None
        ended = calls.heal(pid)
        if sent := graph.sent(pid, begun, ended):
            share = (sent[-1] - begun) / self._lease
            self._found.latest = max(self._found.latest, share)
            if sent[-1] > begun + self._lease + max(calls.lag, graph.lag):
                self._found.wrong.append(f"a worker sent until {share:.0%} of its lease ({kind})")


def _wake(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
