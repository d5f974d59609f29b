"""The sums of a run: what progress shows while it goes, and the summary at its end. Only adds up."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from bulkmail.model import Event, Outcome, Status


@dataclass(slots=True)
class Waits:
    """How often a limit asked for a wait, and for how many seconds in all; where waits of one mailbox, or of the
    application, overlap, each second counts once."""

    times: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Totals:
    """Counts what was committed. `waited` is seconds that requests waited before they left; `waits` is by limit;
    `findings` are mailboxes with a row that should be looked into. `carried` is by row, for tasks that move bytes: how
    many are done, and how many there will be, as far as that is known."""

    statuses: Counter[Status] = field(default_factory=Counter)
    rows: int = 0
    requests: int = 0
    throttled: int = 0
    retried: int = 0
    waited: float = 0.0
    waits: defaultdict[str, Waits] = field(default_factory=lambda: defaultdict(Waits))
    problems: Counter[str] = field(default_factory=Counter)
    findings: int = 0
    carried: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """Mailboxes with an outcome."""
        return self.statuses.total()

    @property
    def not_ok(self) -> int:
        """Mailboxes that need a look; absent ones are to be expected in a tenant."""
        return self.done - self.statuses[Status.OK] - self.statuses[Status.ABSENT]

    def add(self, outcome: Outcome) -> None:
        tally = outcome.tally
        self.statuses[outcome.status] += 1
        self.rows += outcome.rows
        self.requests += tally.requests
        self.throttled += tally.throttled
        self.waited += tally.waited
        self.findings += bool(outcome.findings)
        if outcome.problem is not None:
            self.problems[f"{outcome.status} {outcome.problem.code}"] += 1

    def add_all(self, outcomes: Sequence[Outcome]) -> None:
        """As `add` does one by one; by columns, which is cheaper from a few on."""
        if not outcomes:
            return
        _, statuses, rows, tallies, _, problems, findings = zip(*outcomes, strict=True)
        requests, throttled, waited, _ = zip(*tallies, strict=True)
        self.statuses.update(statuses)
        self.rows += sum(rows)
        self.requests += sum(requests)
        self.throttled += sum(throttled)
        self.waited = sum(waited, self.waited)
        if any(findings):
            self.findings += sum(map(bool, findings))
        if any(problems):
            self.problems.update(f"{one.status} {one.problem.code}" for one in outcomes if one.problem is not None)

    def hear(self, event: Event) -> None:
        """Note an event of the transport."""
        if event.kind in ("throttled", "paused"):
            wait = self.waits[event.text]
            wait.times += 1
            wait.seconds += event.longer
        else:
            self.retried += 1
