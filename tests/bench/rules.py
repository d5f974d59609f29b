"""`python -m tests.bench.rules [--mailboxes 10000] [--rules 2000]`: every rule that forwards outside is found and
nothing else, these are switched off and nothing else, and undo leaves each rule as it was. Ends with 1 if a figure is
not as it should be.

What is right is not taken from what is tried: it is read from the content that the simulator makes up, by the addresses
that its author put outside. With --rules, the mailboxes are chosen from a larger tenant so that they have just so many
rules together, of which --outside forward there.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bulkmail.sim import Settings, Simulator
from bulkmail.sim.families.rules.content import OUTSIDE
from tests.bench.messages import STILL, Checks, Ground
from tests.torture.tenant import Json, open_tenant

FAULTS = (
    "throttle:share=0.05,seconds=1",
    "status:status=503,share=0.01",
    "reset-before:share=0.005",
    "lost:share=0.01",
)
LARGER = 3
"""A tenant that mailboxes are chosen from has so many for each: four in ten have no rules."""

PARTS = ("actions", "conditions", "exceptions")
ROLES = "MailboxSettings.ReadWrite,Mail.ReadBasic.All,Domain.Read.All"


class Wanted(NamedTuple):
    """What a run is over: mailboxes, the rules of all of them, and those of the rules that forward outside."""

    mailboxes: int
    rules: int
    outside: int


def outside(rule: Json) -> bool:
    """Whether a rule sends mail to one of the addresses outside."""
    actions = rule.get("actions", {})
    sent = (actions.get(name, ()) for name in ("forwardTo", "forwardAsAttachmentTo", "redirectTo"))
    return any(one["emailAddress"]["address"] in OUTSIDE for many in sent for one in many)


def kinds(rules: Iterable[Json]) -> set[str]:
    """What rules do, look for and make an exception of, each once."""
    return {f"{part}.{name}" for rule in rules for part in PARTS for name in rule.get(part, ())}


def chosen(held: Mapping[str, Mapping[str, Json]], wanted: Wanted) -> list[str]:
    """As many mailboxes, in the order of the tenant, with so many rules together and so many that forward outside.
    Raises ValueError if the tenant is too small."""
    taken: set[str] = set()
    left = wanted
    for takes in (_outside_alone, _rules_alone, _nothing):
        for address, rules in held.items():
            cost = Wanted(1, len(rules), sum(map(outside, rules.values())))
            if (
                address not in taken
                and takes(cost)
                and all(one <= other for one, other in zip(cost, left, strict=True))
            ):
                taken.add(address)
                left = Wanted(*(other - one for one, other in zip(cost, left, strict=True)))
    if any(left):
        raise ValueError(f"the tenant is too small: it lacks {left}")
    return [address for address in held if address in taken]


def _outside_alone(cost: Wanted) -> bool:
    return cost.outside > 0


def _rules_alone(cost: Wanted) -> bool:
    return cost.rules > 0 and not cost.outside


def _nothing(cost: Wanted) -> bool:
    return not cost.rules


def there(simulator: Simulator, address: str) -> dict[str, Json]:
    """The rules of an untouched mailbox by their ids."""
    return {row["id"]: bare(row) for row in simulator.contents("rules", address)}


def bare(row: Json) -> Json:
    """Without what belongs to the rehearsal, and without whether it is in error: that is found out at each write."""
    return {name: value for name, value in row.items() if name not in ("mailbox", "parent", "key", "hasError")}


def show(wanted: Wanted, folder: Path, checks: Checks, faults: Sequence[str]) -> None:
    many, size = wanted.mailboxes, wanted.mailboxes * (LARGER if wanted.rules else 1)
    made_up = Simulator(Settings(mailboxes=size, absent=0.0, denied=0.0, moving=0.0))
    with open_tenant(folder / "tenant", "--mailboxes", str(size), "--roles", ROLES, *STILL) as tenant:
        ground = Ground(tenant, folder)
        before = {address: there(made_up, address) for address in tenant.addresses}
        every = kinds(rule for rules in before.values() for rule in rules.values())
        addresses = chosen(before, wanted) if wanted.rules else [*before]
        before = {address: before[address] for address in addresses}
        bad = {(one, rule) for one, rules in before.items() for rule, held in rules.items() if outside(held)}
        movable = {
            (one, rule) for one, rule in bad if before[one][rule]["isEnabled"] and not before[one][rule]["isReadOnly"]
        }
        rules = sum(map(len, before.values()))
        checks(
            "kinds of rules that are missing",
            every - kinds(one for held in before.values() for one in held.values()),
            set(),
        )
        print(f"  {rules:,} rules, {len(bad):,} forward outside, {len(movable):,} to switch off")
        tenant.control(faults=list(faults))

        found = ground.run("rules.report", {"only": "external"}, addresses)
        checks("report: code", found.code, 0)
        checks("report: all and nothing else", named(found.rows) == bad, wanted=True)
        print(f"  report: {found.seconds:.1f} s, {many / found.seconds:,.0f} mailboxes/s")

        removed = ground.run("rules.remove", {"select": "external"}, addresses, "--apply")
        checks("remove: code", removed.code, 0)
        changed = [row for row in removed.rows if row["state"] == "done"]
        checks("remove: exactly these", named(changed) == movable, wanted=True)
        after = {one: dict(held) for one, held in before.items()}
        for one, rule in movable:
            after[one][rule] = {**before[one][rule], "isEnabled": False}
        checks("remove: rules that are not as they should be", differing(tenant.books_of("rules"), after), 0)

        writes = tenant.books()["effects"]["total"]
        again = ground.run("rules.remove", {"select": "external"}, addresses, "--apply")
        checks("a second time: writes", tenant.books()["effects"]["total"] - writes, 0)
        checks("a second time: code", again.code, 0)

        undone = ground.bulkmail("undo", "2-rules.remove", "--apply", out="-")
        checks("undo: code", undone.code, 0)
        checks("undo: rules that are not as they were", differing(tenant.books_of("rules"), before), 0)
        books = tenant.books()
        checks("limits broken", books["breaches"], {})
        if faults:  # on a busy machine a request may be under way longer than the witness allows for
            print(f"  asked early: {books['early']}; faults: {books['faults']}")
        else:
            checks("asked early", books["early"], 0)


def named(rows: Sequence[Json]) -> set[tuple[str, str]]:
    return {(row["mailbox"], row["rule_id"]) for row in rows}


def differing(rows: Sequence[Json], wanted: dict[str, dict[str, Any]]) -> int:
    """Rules of the mailboxes that were written to that are missing, too many, or not as they should be."""
    held: dict[str, dict[str, Any]] = {}
    for row in rows:
        held.setdefault(row["mailbox"], {})[row["id"]] = bare(row)
    return sum(len(dict_differing(rules, wanted[address])) for address, rules in held.items())


def dict_differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mailboxes", type=int, default=1000)
    parser.add_argument("--rules", type=int, default=0, help="rules of these mailboxes together; 0: those that come")
    parser.add_argument("--outside", type=int, default=137, help="with --rules: those that forward outside")
    words = parser.parse_args()
    wanted, checks = Wanted(words.mailboxes, words.rules, words.outside), Checks()
    for name, faults in (("no faults", ()), ("5 % 429, 1 % 503, resets, lost answers", FAULTS)):
        print(f"rules, {wanted.mailboxes:,} mailboxes, {name}", flush=True)
        with tempfile.TemporaryDirectory(prefix="bulkmail-rules-") as folder:
            show(wanted, Path(folder), checks, faults)
    sys.exit(checks.wrong > 0)


if __name__ == "__main__":
    main()
