"""Long mailboxes are begun first where their sizes are known, alone and by workers."""

from dataclasses import replace
from pathlib import Path

import pytest

from bulkmail.app.sweeping import Sweeping, alone
from bulkmail.sim import Settings
from bulkmail.testing.tenant import open_tenant
from tests.cluster.within import Within, within

CALM = Settings(mailboxes=40, absent=0.0, denied=0.0, moving=0.0, tls=False)
ONE = {"limits.mailboxes_in_flight": 1}
BY_SIZE = {"input.order": "largest", "input.size_column": "size"}


@pytest.mark.parametrize("sweeping", [alone, within(Within(1))], ids=["alone", "one worker"])
def test_the_largest_is_done_first(tmp_path: Path, sweeping: Sweeping) -> None:
    with open_tenant(tmp_path, replace(CALM, mailboxes=12)) as tenant:
        addresses = tenant.addresses()
        listed = tmp_path / "sizes.csv"
        sizes = {address: number * 7 % 12 for number, address in enumerate(addresses)}
        listed.write_text("mailbox,size\n" + "".join(f"{address},{size}\n" for address, size in sizes.items()))
        settings = {"input.path": str(listed), **BY_SIZE, **ONE}
        done = tenant.run("settings.report", tmp_path / "a", settings=settings, sweeping=sweeping)
        assert done.code == 0, done.err
        order = [sizes[line["mailbox"]] for line in done.lines("outcomes.ndjson") if "status" in line]
        assert order == sorted(order, reverse=True)


def test_a_list_without_sizes_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    with open_tenant(tmp_path, CALM) as tenant:
        listed = tmp_path / "sizes.csv"
        listed.write_text("mailbox,bytes\n" + "".join(f"{address},1\n" for address in tenant.addresses()))
        done = tenant.run("settings.report", tmp_path / "a", settings={"input.path": str(listed), **BY_SIZE})
        assert done.code == 2
        assert "size_column" in done.err
