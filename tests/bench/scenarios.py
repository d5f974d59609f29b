"""What is measured: the settings of the server and of the drivers, the goals, and how a run becomes a row."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from tests.bench.cluster import CLUSTER
from tests.bench.measure import Measured, Scenario
from tests.bench.table import Cells, Group

BATCH = {"limits": {"batch": True}}
LATENCY = {"latency": 0.15}
QUICK = {"latency": 0.05}
LIMITED = {"latency": 0.1, "rate": 500.0, "burst": 100.0, "retry_after": 1.0}
HARSH = {**LIMITED, "harsh": True}
MOVES = [(120.0, 200.0), (240.0, 800.0)]
FAULTS = {"latency": 0.05, "refused": 0.05, "refused_wait": 2.0, "unavailable": 0.01, "reset": 0.005}
ODD = "user0@contoso.example"


def overhead(one: Measured, before: Sequence[Measured]) -> Cells:
    """Rate and CPU a mailbox, less what the start of the driver costs, which is measured just before it."""
    start = next((earlier for earlier in before if earlier.scenario.title == f"{one.scenario.title}, start"), None)
    script = next((earlier for earlier in before if earlier.scenario.title == "aiohttp script"), one)
    each = (one.cpu - (start.cpu if start else 0.0)) / one.scenario.mailboxes * 1e6
    return {
        "driver": one.scenario.title, "mailboxes": f"{one.scenario.mailboxes:,}", "mailboxes/s": f"{one.rate:,.0f}",
        "of the script": f"{one.rate / script.rate:.2f}", "CPU µs each": f"{each:,.0f}",
        "server busy": f"{one.busy:.0%}", "ok": f"{one.ok:,}",
    }  # fmt: skip


def timed(one: Measured, _before: Sequence[Measured]) -> Cells:
    """Seconds, and what the server saw."""
    return {
        "driver": one.scenario.title, "mailboxes": f"{one.scenario.mailboxes:,}", "seconds": f"{one.seconds:.1f}",
        "mailboxes/s": f"{one.rate:,.0f}", "server busy": f"{one.busy:.0%}", **_kept(one),
    }  # fmt: skip


def _kept(one: Measured) -> Cells:
    """What must hold in every run."""
    return {
        "lost": f"{one.scenario.mailboxes - one.ok:,}",
        "early": f"{one.books.get('early', 0):,}",
        "breaches": f"{one.books.get('breaches', 0):,}",
    }


def tenant(one: Measured, _before: Sequence[Measured]) -> Cells:
    """Share of what the tenant gave: in the first minute, after it, and over the whole."""
    good, last = one.good(), max(one.good(), default=0)

    def share(start: int, end: int) -> str:
        offered = sum(_offered(one.scenario, second) for second in range(start, end))
        return f"{sum(good.get(second, 0) for second in range(start, end)) / offered:.1%}" if offered else "-"

    return {
        "driver": one.scenario.title, "seconds": f"{one.seconds:.0f}", "answers/s": f"{one.rate:,.0f}",
        "first minute": share(0, min(60, last)), "after it": share(60, last), "whole": share(0, last),
        "refused": f"{one.share('refused'):.2%}", **_kept(one),
    }  # fmt: skip


def noisy(one: Measured, before: Sequence[Measured]) -> Cells:
    """Beside the speed of the first run, which has no noise, less the silence that was asked for."""
    clean, share = (before[0] if before else one).rate, one.scenario.server.get("noise", 0.0)
    had = clean / (1 + share * clean * one.scenario.server.get("noise_wait", 1.0))
    return {
        "noise": one.scenario.title, "seconds": f"{one.seconds:.0f}", "mailboxes/s": f"{one.rate:,.0f}",
        "can be had": f"{had:,.0f}", "of it": f"{one.rate / had:.0%}", "refused": f"{one.share('refused'):.2%}",
        **_kept(one),
    }  # fmt: skip


def _offered(scenario: Scenario, second: int) -> float:
    """Requests that the tenant gave in a second of the run."""
    steps = [(0.0, scenario.server["rate"]), *scenario.server.get("moves", [])]
    return float([rate for since, rate in steps if since <= second][-1])


def faulty(one: Measured, before: Sequence[Measured]) -> Cells:
    """Seconds beside the ideal."""
    ideal = _ideal(one, before[0]) if before else one.seconds
    return {
        "driver": one.scenario.title, "mailboxes": f"{one.scenario.mailboxes:,}", "seconds": f"{one.seconds:.1f}",
        "ideal": f"{ideal:.1f}", "of the ideal": f"{one.seconds / ideal:.2f}",
        "refused": f"{one.share('refused'):.1%}", **_kept(one),
    }  # fmt: skip


def _ideal(one: Measured, clean: Measured) -> float:
    """Seconds that the faults allow at the speed of `clean`, a run without them.

    All attempts take their time; and whoever was refused has, from his turn on, to wait for as long as he was told to,
    and to be asked once more for each fault.
    """
    each = clean.seconds / clean.scenario.mailboxes
    attempts = one.books["requests"] / one.scenario.mailboxes
    latency = one.scenario.server["latency"]
    chains = (place * each * attempts + waits + tries * latency for place, tries, waits in one.books["chains"])
    return float(max(one.books["requests"] * each, *chains))


def slots(one: Measured, _before: Sequence[Measured]) -> Cells:
    """How much of the time the four slots of one mailbox were in use, as the server saw it."""
    return {
        "driver": one.scenario.title, "seconds": f"{one.books['odd_seconds']:.1f}",
        "requests": f"{one.books['requests']:,}", "slots busy": f"{one.books['odd_busy'] / 4:.1%}", **_kept(one),
    }  # fmt: skip


def large(one: Measured, before: Sequence[Measured]) -> Cells:
    """A sweep beside its critical path, which is the longer of its two halves when each is alone."""
    critical = max((earlier.seconds for earlier in before), default=one.seconds)
    return {
        "sweep": one.scenario.title, "requests": f"{one.books['requests']:,}", "seconds": f"{one.seconds:.1f}",
        "of the critical path": f"{one.seconds / critical:.3f}", **_kept(one),
    }  # fmt: skip


def beside(one: Measured, before: Sequence[Measured]) -> Cells:
    """When all the other mailboxes were done, beside the same without the odd one."""
    alone = before[0] if before else one
    return {
        "the odd one": one.scenario.title, "requests": f"{one.books['requests']:,}",
        "others done after s": f"{one.books['others_ended']:.2f}",
        "slower by": f"{one.books['others_ended'] / alone.books['others_ended'] - 1:.1%}", **_kept(one),
    }  # fmt: skip


def scale(one: Measured, _before: Sequence[Measured]) -> Cells:
    """One long run: its rate in the second tenth and in the last full one."""
    marks = [one.seconds * tenth / 10 for tenth in range(11)]
    rates = [
        sum(good for second, good in one.good().items() if start <= second < end) / max(1, int(end) - int(start))
        for start, end in pairwise(int(mark) for mark in marks)
    ]
    return {
        "driver": one.scenario.title, "mailboxes": f"{one.scenario.mailboxes:,}", "seconds": f"{one.seconds:.0f}",
        "mailboxes/s": f"{one.rate:,.0f}", "end to start": f"{rates[8] / max(rates[1], 1):.2f}",
        "peak MB": f"{one.said.get('peak', 0):.0f}", "outcomes": f"{one.said.get('outcomes', 0):,}", **_kept(one),
    }  # fmt: skip


def lasting(one: Measured, before: Sequence[Measured]) -> Cells:
    """What making things last costs: the median of this run and of those before it with the same work, over that of the
    same runs without a sync."""
    if not one.scenario.shown:
        return {}
    same = [run for run in (*before, one) if run.scenario.driver == one.scenario.driver]
    with_, without = (
        median(run.seconds for run in same if (run.scenario.name == "own") is synced) for synced in (True, False)
    )
    return {
        "sweep": one.scenario.title, "mailboxes": f"{one.scenario.mailboxes:,}", "seconds": f"{with_:.2f}",
        "without a sync": f"{without:.2f}", "cost": f"{with_ / without - 1:.1%}", "ok": f"{one.ok:,}",
    }  # fmt: skip


def _pairs(title: str, mailboxes: int, driver: dict[str, Any], goal: str) -> tuple[Scenario, ...]:
    """PAIRS of runs, in turn, of which the last gives the row."""
    turns = [(name, number) for number in range(PAIRS) for name in ("unsynced", "own")]
    return tuple(
        Scenario(title, turn[0], mailboxes, {"latency": 0.1}, driver, {"cost": goal}, shown=turn == turns[-1])
        for turn in turns
    )


def resumed(one: Measured, _before: Sequence[Measured]) -> Cells:
    """Until a killed run knows what is done."""
    return {
        "driver": one.scenario.title, "mailboxes": f"{one.scenario.mailboxes:,}", "seconds": f"{one.seconds:.2f}",
        "found done": f"{one.ok:,}",
    }  # fmt: skip


def begun(one: Measured, _before: Sequence[Measured]) -> Cells:
    """What it costs to start."""
    return {"command": one.scenario.title, "CPU s": f"{one.seconds:.2f}"}


def _started(title: str, goal: str = "", **driver: str) -> Scenario:
    return Scenario(title, "start", 1, driver=driver, goals={"CPU s": goal} if goal else {})


PAIRS = 5
KEPT = {"lost": "= 0", "early": "= 0", "breaches": "= 0"}
STEADY = {**KEPT, "after it": "≥ 98 %", "refused": "≤ 1 %"}
WALKED = {"task": {"name": "tests/bench/walk.py:walk", "top": 50}}
PACED = {"limits": {"requests_in_flight": 128}, "task": {"name": "tests/bench/walk.py:walk"}}
MANY_PAGES = {"latency": 0.15, "messages": 100, "odd": ODD}

GROUPS = (
    Group(
        "overhead", "Overhead: no latency, one core", overhead,
        (
            Scenario("aiohttp script, start", "script", 1, shown=False),
            Scenario("aiohttp script", "script", 30_000),
            Scenario("bulkmail, plain, start", "own", 1, shown=False),
            Scenario("bulkmail, plain", "own", 30_000, goals={"of the script": "≥ 0.7"}),
            Scenario("barest $batch loop", "bare", 200_000),
            Scenario("bulkmail, $batch of 20, start", "own", 1, driver=BATCH, shown=False),
            Scenario(
                "bulkmail, $batch of 20", "own", 200_000, driver=BATCH,
                goals={"mailboxes/s": "≥ 25,000", "CPU µs each": "≤ 40"},
            ),
            Scenario("msgraph-sdk, start", "sdk", 1, shown=False),
            Scenario("msgraph-sdk", "sdk", 2_000),
        ),
        "The goals in mailboxes/s and µs are those of a machine on which the script costs 130 µs a mailbox and the "
        "barest loop over `$batch` 10 µs. CPU is that of the driver less its start; the server has a core of its own, "
        "and the share of it that it uses is the proof that it is not what was measured.",
    ),
    Group(
        "start", "Start: a command with next to nothing to do", begun,
        (
            _started("Python", program="pass"),
            _started("Python with typer and rich", program="import typer.rich_utils"),
            _started("bulkmail --help", "≤ 0.35", line="--help"),
            _started("bulkmail tasks", "≤ 0.35", line="tasks"),
            _started("bulkmail show, a run of one mailbox", "≤ 0.35", line="show RUN"),
            _started("bulkmail run, one mailbox, to its end", "≤ 1.0", line="run JOB"),
        ),
        "The least of five starts.",
    ),
    Group(
        "latency", "Latency: 150 ms a request, no limit, no settings", timed,
        (
            Scenario("serial loop", "serial", 60, LATENCY),
            Scenario("aiohttp script, 64 in flight", "script", 8_000, LATENCY),
            Scenario("msgraph-sdk, 64 in flight", "sdk", 2_000, LATENCY),
            Scenario("bulkmail, plain", "own", 50_000, LATENCY, goals={"seconds": "≤ 20", **KEPT}),
            Scenario("bulkmail, $batch", "own", 50_000, LATENCY, BATCH, {"seconds": "≤ 20", **KEPT}),
        ),
        "Of the parts of a batch four run at a time: a full one takes five times 150 ms.",
    ),
    Group(
        "tenant", "An unknown limit of 500 requests/s, no settings", tenant,
        (
            Scenario("bulkmail", "own", 90_000, LIMITED, goals={"first minute": "≥ 93 %", **STEADY}),
            Scenario("bulkmail, harsher limit", "own", 90_000, HARSH, goals={"first minute": "≥ 90 %", **STEADY}),
            Scenario("bulkmail, $batch", "own", 45_000, LIMITED, BATCH, KEPT),
            Scenario(
                "bulkmail, 500, 200, 800/s for two minutes each", "own", 170_000, {**LIMITED, "moves": MOVES},
                goals={"whole": "≥ 90 %", "refused": "≤ 1 %", **KEPT},
            ),
            Scenario("aiohttp script", "script", 15_000, LIMITED, {"workers": 8}),
            Scenario("aiohttp script, harsher limit", "script", 6_000, HARSH, {"workers": 8}),
            Scenario("msgraph-sdk", "sdk", 6_000, LIMITED),
            Scenario("msgraph-sdk, $batch", "sdk", 4_000, LIMITED, {"batch": True, "in_flight": 16}),
        ),
        "A bucket of 100 that fills at the rate; a refusal asks for one second, and the harsher kind refuses all "
        "until that has passed.",
    ),
    Group(
        "faults", "Faults: 5 % 429 with 2 s, 1 % 503, 0.5 % resets, 50 ms", faulty,
        (
            Scenario("bulkmail, no faults", "own", 20_000, {"latency": 0.05}),
            Scenario("bulkmail", "own", 20_000, FAULTS, goals={"of the ideal": "≤ 1.15", **KEPT}),
            Scenario("aiohttp script", "script", 10_000, FAULTS),
        ),
        "The ideal: all attempts at the speed of the run without faults, or the longest way of any one mailbox if that "
        "ends later: from its turn on, the waits that it was told and one latency for each attempt.",
    ),
    Group(
        "noise", "Refusals by chance: of the whole application, with 1 s, 50 ms", noisy,
        (
            Scenario("none", "own", 30_000, QUICK),
            Scenario("0.1 %", "own", 40_000, {**QUICK, "noise": 0.001}, goals={"of it": "≥ 85 %", **KEPT}),
            Scenario("1 %", "own", 10_000, {**QUICK, "noise": 0.01}, goals={"of it": "≥ 85 %", **KEPT}),
        ),
        "At a rate r with a share p of refusals that cost w seconds each, r / (1 + p r w) can be had.",
    ),
    Group(
        "slots", "One mailbox: pages of 250 messages, each message read", slots,
        (
            Scenario(
                "bulkmail", "own", 1, {"latency": 0.15, "odd": ODD, "odd_messages": 1000},
                {"task": {**WALKED["task"], "top": 250, "each": True}}, {"slots busy": "≥ 95 %", **KEPT},
            ),
        ),
        "A page has one request in flight while it is fetched, so the walk itself allows 98.8 %.",
    ),
    Group(
        "large", "A mailbox of 20,000 messages beside 10,000 small ones, 50 ms", large,
        (
            Scenario("the small ones", "own", 10_000, {"latency": 0.05}, WALKED),
            Scenario("the large one", "own", 1, {"latency": 0.05, "odd": ODD, "odd_messages": 20_000}, WALKED),
            Scenario(
                "both", "own", 10_001, {"latency": 0.05, "odd": ODD, "odd_messages": 20_000}, WALKED,
                {"of the critical path": "≤ 1.05", **KEPT},
            ),
        ),
        "Pages of 50, the large one first in the list: 400 pages, one after another.",
    ),
    Group(
        "odd", "One saturated or hanging mailbox beside 1,000 others", beside,
        (
            Scenario("like the others", "own", 1_001, MANY_PAGES, PACED),
            Scenario(
                "refuses for 10 s", "own", 1_001, {**MANY_PAGES, "odd_refuses": 10.0}, PACED,
                {"slower by": "≤ 5 %", **KEPT},
            ),
            Scenario(
                "takes 20 s for an answer", "own", 1_001, {**MANY_PAGES, "odd_messages": 1, "odd_latency": 20.0}, PACED,
                {"slower by": "≤ 5 %", **KEPT},
            ),
        ),
        "Ten pages a mailbox, 150 ms a page, 128 in flight, so that the speed of the machine does not matter.",
    ),
    Group(
        "journal", "What it costs to make things last, 100 ms", lasting,
        (
            *_pairs("settings.report", 10_000, {}, "≤ 2 %"),
            *_pairs(
                "one keyed write each", 10_000, {"task": {"name": "tests/bench/walk.py:keyed", "apply": True}}, "≤ 10 %"
            ),
        ),
        f"Medians of {PAIRS} runs each, in turn. Without a sync, everything else is written all the same.",
    ),
    Group(
        "resume", "A killed run finds out what is done", resumed,
        (
            Scenario("bulkmail", "resumed", 50_000, goals={"seconds": "≤ 1"}),
            Scenario("bulkmail", "resumed", 1_000_000),
        ),
        "Reading the list once and checking every line of the journal; the interpreter has started.",
    ),
    Group(
        "scale", "Scale: one run, 20 ms", scale,
        (
            Scenario(
                "bulkmail, $batch", "own", 1_000_000, {"latency": 0.02}, BATCH,
                {"end to start": "≥ 0.95", "peak MB": "≤ 150", **KEPT},
            ),
        ),
        "The rates are those of the second and of the ninth tenth of the time; the peak is of resident memory.",
    ),
    *CLUSTER,
)  # fmt: skip
