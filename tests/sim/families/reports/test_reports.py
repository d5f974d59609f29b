"""Usage reports: names that the tenant conceals are the same hash in every report."""

import re

from tests.sim.desk import Desk, rehearse
from tests.sim.families.reports.walk import download
from tests.sim.walk import Walk


def test_names_may_be_concealed() -> None:
    async def act(desk: Desk) -> None:
        for name in ("getMailboxUsageDetail", "getEmailActivityUserDetail"):
            heading, *rows = await download(Walk(desk), f"/reports/{name}(period='D7')")
            places = [heading.index(column) for column in ("User Principal Name", "Display Name")]
            assert all(re.fullmatch("[0-9A-F]{32}", row[place]) for row in rows for place in places)
            seen.append({row[places[0]] for row in rows})

    seen: list[set[str]] = []
    rehearse(act, concealed=True, mailboxes=50)
    assert len(seen[0]) == 50
    assert seen[0] == seen[1]
