"""Usage reports: a redirect to a pre-signed address, and the CSV that is found there."""

import csv
import io
import secrets
from collections.abc import Iterator, Sequence

from bulkmail.sim.call import Answer, Call, bad_request
from bulkmail.sim.letters import count
from bulkmail.sim.routes.table import Route, roles
from bulkmail.sim.world import World

READ = roles("Reports.Read.All")
PERIODS = {"D7": 7, "D30": 30, "D90": 90, "D180": 180}
COLUMNS = (
    "Report Refresh Date", "User Principal Name", "Display Name", "Is Deleted", "Deleted Date", "Created Date",
    "Last Activity Date", "Item Count", "Storage Used (Byte)", "Issue Warning Quota (Byte)",
    "Prohibit Send Quota (Byte)", "Prohibit Send/Receive Quota (Byte)", "Deleted Item Count",
    "Deleted Item Size (Byte)", "Report Period",
)  # fmt: skip
QUOTAS = (53_150_220_288, 53_687_091_200, 53_687_091_200)
CHUNK = 500  # rows


def mailbox_usage(world: World, call: Call) -> Answer:
    days = PERIODS.get(call.keys[0].upper())
    if days is None:
        raise bad_request("The period is not valid; use D7, D30, D90 or D180.")
    name = secrets.token_urlsafe(24)
    world.links[name] = days
    location = f"{call.base.removesuffix('/v1.0')}/_reports/{name}"
    return Answer(302, b"", {"Location": location, "Content-Type": "text/plain"})


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


ROUTES = (Route("GET", "/reports/getMailboxUsageDetail/{}", mailbox_usage, READ, "other"),)
