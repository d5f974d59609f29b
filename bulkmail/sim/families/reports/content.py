"""The lines of usage reports, computed from the tenant: a row a user, or a row a day for all of them."""

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from bulkmail.sim.families.messages.content import count
from bulkmail.sim.families.reports.kind import COLUMNS, QUOTAS
from bulkmail.sim.tenant.seeded import mix
from bulkmail.sim.world import World

CHUNK = 500  # rows
REFRESHED = date(2026, 1, 31)
ACTIVE = "2026-01-29"
LETTER = 48_000  # bytes
PRODUCTS = "MICROSOFT 365 E3"


def lines(world: World, name: str, days: int) -> Iterator[bytes]:
    """A report by pieces, after a byte-order mark; a tenant may be too large for one."""
    yield b"\xef\xbb\xbf" + _csv([COLUMNS[name]])
    if name not in USERS:
        yield _csv([_day(world, name, REFRESHED - timedelta(days=day), days) for day in range(max(1, days))])
        return
    for start in range(0, world.tenant.size, CHUNK):
        numbers = range(start, min(start + CHUNK, world.tenant.size))
        yield _csv([_row(world, name, number, days) for number in numbers if not world.tenant.state(number).absent])


def _row(world: World, name: str, number: int, days: int) -> tuple[object, ...]:
    user = world.tenant.user(number)
    names = (user["userPrincipalName"], user["displayName"])
    if world.settings.concealed:
        names = (_concealed(names[0]), _concealed(names[1]))
    who = (REFRESHED, *names, "False", "")
    return (*who, *USERS[name](user["createdDateTime"][:10], count(world.tenant.seed, number)), days)


def _concealed(name: str) -> str:
    """32 hex digits, alike in every report."""
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest().upper()


def _day(world: World, name: str, day: date, days: int) -> tuple[object, ...]:
    """Figures for the whole tenant, by its size: to add up a million users would take too long."""
    bits = mix(world.tenant.seed, day.toordinal(), 90)
    own = [column for column in COLUMNS[name] if not column.startswith("Report ")]
    figures = [world.tenant.size * (1 + (bits >> 5 * place) % 32) // (4 << place) for place in range(len(own))]
    if name == "getMailboxUsageStorage":
        figures = [world.tenant.size * LETTER * (30 + bits % 8)]
    elif name == "getMailboxUsageMailboxCounts":
        figures = [world.tenant.size, world.tenant.size * (80 + bits % 20) // 100]
    return (REFRESHED, *figures, day, days)


USERS: Mapping[str, Callable[[str, int], tuple[object, ...]]] = {  # the columns between the user's and the period
    "getMailboxUsageDetail": lambda made, letters: (
        made, ACTIVE, letters, letters * LETTER, *QUOTAS, letters // 8, letters * 6_000,
    ),
    "getEmailActivityUserDetail": lambda _, letters: (
        ACTIVE, letters // 5, letters, letters // 2, letters // 20, letters // 10, PRODUCTS,
    ),
}  # fmt: skip


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
