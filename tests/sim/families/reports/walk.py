"""Usage reports: every route, walked through once."""

from tests.sim.walk import Walk


async def walk_reports(walk: Walk) -> None:
    reply = await walk.desk.get("/reports/getMailboxUsageDetail(period='D7')")
    assert reply.status == 302
    async with walk.desk.session.get(reply.headers["Location"]) as response:
        report = await response.read()
    assert report.startswith(b"\xef\xbb\xbfReport Refresh Date,User Principal Name,Display Name,Is Deleted")


WALKS = (walk_reports,)
