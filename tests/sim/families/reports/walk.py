"""Usage reports: every route, walked through once."""

import csv
import io

from bulkmail.sim.families.reports.kind import COLUMNS
from tests.sim.walk import Walk


async def walk_reports(walk: Walk) -> None:
    for name in COLUMNS:
        for period, days in (("D7", 7), ("d30", 30)):
            rows = await download(walk, f"/reports/{name}(period='{period}')")
            assert rows[0] == list(COLUMNS[name])
            assert len(rows) == 1 + (walk.desk.sim.tenant.size if "Detail" in name else days)
            assert {row[-1] for row in rows[1:]} == {str(days)}
            assert {len(row) for row in rows} == {len(rows[0])}
    assert len(await download(walk, "/reports/getEmailActivityUserDetail(date=2026-01-30)")) > 1
    for wrong in ("getMailboxUsageDetail(period='D8')", "getMailboxUsageStorage(date=2026-01-30)"):
        assert (await walk.desk.get(f"/reports/{wrong}")).status == 400


async def download(walk: Walk, path: str) -> list[list[str]]:
    """By the redirect to another host, to which no token goes."""
    reply = await walk.desk.get(path)
    assert reply.status == 302
    assert reply.headers["Location"].startswith(walk.desk.sim.signed_url)
    async with walk.desk.session.get(reply.headers["Location"]) as response:
        content = await response.read()
    assert content.startswith(b"\xef\xbb\xbfReport Refresh Date,")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


WALKS = (walk_reports,)
