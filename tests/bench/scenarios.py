"""What is measured: the settings of the server and of the drivers, and how a row of each table is made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Measure = Callable[["Scenario", int], Any]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`name` is the driver's module, `title` its name in the table."""

    title: str
    name: str
    mailboxes: int
    server: dict[str, Any] = field(default_factory=dict)
    driver: dict[str, Any] = field(default_factory=dict)
    timeout: float = 600.0


@dataclass(frozen=True, slots=True)
class Group:
    """One table."""

    name: str
    title: str
    columns: Sequence[str]
    cells: Callable[[Scenario, Measure], Sequence[str]]
    scenarios: Sequence[Scenario]

    @property
    def heading(self) -> str:
        return f"| {' | '.join(self.columns)} |"

    @property
    def rule(self) -> str:
        return "|---|" + "---:|" * (len(self.columns) - 1)

    def row(self, scenario: Scenario, measure: Measure) -> str:
        return f"| {' | '.join(self.cells(scenario, measure))} |"


BATCH = {"limits": {"batch": True}}


def overhead(scenario: Scenario, measure: Measure) -> Sequence[str]:
    """Rate, and CPU a mailbox beyond what the process costs with a single one."""
    base, whole = measure(scenario, 1), measure(scenario, scenario.mailboxes)
    each = (whole.cpu - base.cpu) / scenario.mailboxes * 1e6
    busy = whole.server / whole.said["seconds"] if whole.said["seconds"] else 0.0
    return [
        scenario.title,
        f"{scenario.mailboxes:,}",
        f"{whole.rate:,.0f}",
        f"{each:.0f}",
        f"{busy:.0%}",
        str(whole.said["ok"]),
    ]


def timed(scenario: Scenario, measure: Measure) -> Sequence[str]:
    """Seconds, and what the server saw."""
    whole = measure(scenario, scenario.mailboxes)
    books = whole.books
    return [
        scenario.title, f"{scenario.mailboxes:,}", f"{whole.said['seconds']:.1f}", f"{whole.rate:,.0f}",
        str(whole.said["ok"]), str(books.get("refused", 0)), str(books.get("early", 0)), str(books.get("breaches", 0)),
    ]  # fmt: skip


def tenant(scenario: Scenario, measure: Measure) -> Sequence[str]:
    """Share of what the tenant gave: in the first minute, and after it."""
    whole = measure(scenario, scenario.mailboxes)
    seconds = {int(second): good for second, good in whole.books.get("seconds", {}).items()}
    offered = scenario.server["rate"]
    last = max(seconds, default=0)
    first = sum(seconds.get(second, 0) for second in range(60)) / 60 / offered
    rest = range(60, max(last, 61))
    later = sum(seconds.get(second, 0) for second in rest) / len(rest) / offered
    refused = whole.books.get("refused", 0) / max(whole.books.get("requests", 1), 1)
    return [
        scenario.title, f"{whole.said['seconds']:.0f}", f"{first:.1%}", f"{later:.1%}", f"{refused:.2%}",
        str(whole.books.get("early", 0)), f"{whole.said['ok']:,} of {scenario.mailboxes:,}",
    ]  # fmt: skip


OVERHEAD = ("driver", "mailboxes", "mailboxes/s", "CPU µs each", "server busy", "ok")
TIMED = ("driver", "mailboxes", "seconds", "mailboxes/s", "ok", "refused", "early", "breaches")
TENANT = ("driver", "seconds", "first minute", "after it", "refused", "early", "ok")
LATENCY = {"latency": 0.15}
LIMITED = {"latency": 0.1, "rate": 500.0, "burst": 100.0, "retry_after": 1.0}
HARSH = {**LIMITED, "harsh": True}
FAULTS = {"latency": 0.05, "refused": 0.05, "refused_wait": 2.0, "unavailable": 0.01, "reset": 0.005}

GROUPS = (
    Group(
        "overhead", "Overhead: no latency, one core", OVERHEAD, overhead,
        (
            Scenario("aiohttp script", "script", 40_000),
            Scenario("bulkmail, plain", "own", 40_000),
            Scenario("bulkmail, $batch of 20", "own", 200_000, driver=BATCH),
            Scenario("msgraph-sdk", "sdk", 3_000),
        ),
    ),
    Group(
        "latency", "Latency: 150 ms a request, no limit, no settings", TIMED, timed,
        (
            Scenario("serial loop", "serial", 100, LATENCY),
            Scenario("aiohttp script, 64 in flight", "script", 10_000, LATENCY),
            Scenario("msgraph-sdk, 64 in flight", "sdk", 2_000, LATENCY),
            Scenario("bulkmail, plain", "own", 50_000, LATENCY),
            Scenario("bulkmail, $batch", "own", 50_000, LATENCY, BATCH),
        ),
    ),
    Group(
        "tenant", "An unknown limit of 500 requests/s, no settings", TENANT, tenant,
        (
            Scenario("bulkmail", "own", 60_000, LIMITED),
            Scenario("bulkmail, harsher limit", "own", 60_000, HARSH),
            Scenario("bulkmail, $batch", "own", 60_000, LIMITED, BATCH),
            Scenario("aiohttp script", "script", 30_000, LIMITED, {"workers": 8}),
        ),
    ),
    Group(
        "faults", "Faults: 5 % 429 with 2 s, 1 % 503, 0.5 % resets, 50 ms", TIMED, timed,
        (
            Scenario("bulkmail, no faults", "own", 20_000, {"latency": 0.05}),
            Scenario("bulkmail", "own", 20_000, FAULTS),
            Scenario("aiohttp script", "script", 20_000, FAULTS),
        ),
    ),
    Group(
        "scale", "Scale: one run", TIMED, timed,
        (Scenario("bulkmail, $batch", "own", 1_000_000, {"latency": 0.02}, BATCH, 1200.0),),
    ),
)  # fmt: skip
