"""The lines of a usage report, computed from the tenant."""

import csv
import io
from collections.abc import Iterator, Sequence

from bulkmail.sim.families.messages.content import count
from bulkmail.sim.families.reports.kind import COLUMNS, QUOTAS
from bulkmail.sim.world import World

CHUNK = 500  # rows


def lines(world: World, days: int) -> Iterator[bytes]:
    """The report by pieces, after a byte-order mark; a tenant may be too large for one."""
    yield b"\xef\xbb\xbf" + _csv([COLUMNS])
    for start in range(0, world.tenant.size, CHUNK):
        numbers = range(start, min(start + CHUNK, world.tenant.size))
        yield _csv([_row(world, number, days) for number in numbers if not world.tenant.state(number).absent])


def _row(world: World, number: int, days: int) -> tuple[object, ...]:
    user, letters = world.tenant.user(number), count(world.tenant.seed, number)
    created = user["createdDateTime"][:10]
    sizes = (letters, letters * 48_000, *QUOTAS, letters // 8, letters * 6_000)
    return (
        "2026-01-31",
        user["userPrincipalName"],
        user["displayName"],
        "False",
        "",
        created,
        "2026-01-29",
        *sizes,
        days,
    )


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
