"""The rehearsal tenant as a plugin's author meets it: a task in a file of its own, and the fixture."""

import asyncio
from pathlib import Path

import pytest

from bulkmail.sim import Settings, Simulator
from bulkmail.testing.tenant import Tenant, serving

pytest_plugins = ["bulkmail.testing.fixtures"]

TASK = """
from collections.abc import AsyncIterator
from bulkmail import Graph, Mailbox, Options, Row, task

@task("mailbox.kind", summary="What each mailbox is for", permission="MailboxSettings.Read",
      columns={"mailbox": "", "kind": "user, shared, room"})
async def kind(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    purpose = await graph.get("/mailboxSettings/userPurpose")
    yield {"kind": purpose["value"]}
"""


@pytest.fixture
def kind(tmp_path: Path) -> str:
    path = tmp_path / "kind.py"
    path.write_text(TASK)
    return f"{path}:kind"


def test_a_task_of_ones_own_runs_against_every_mailbox(tenant: Tenant, kind: str, tmp_path: Path) -> None:
    before = tenant.books()["requests"]
    done = tenant.run(kind, tmp_path / "job")
    assert done.code == 0, done.err
    assert done.statuses() == dict.fromkeys(tenant.addresses(), "ok")
    assert {row["mailbox"]: row["kind"] for row in done.rows} == {
        address: tenant.simulator.tenant.purpose(number) for number, address in enumerate(tenant.addresses())
    }
    books = tenant.books()
    assert books["requests"] == before + 50
    assert not books["breaches"]


def test_some_mailboxes_and_flags(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.run("settings.report", tmp_path, "--limit", "2", addresses=tenant.addresses(3))
    assert done.code == 0, done.err
    assert done.statuses() == dict.fromkeys(tenant.addresses(2), "ok")


def test_a_task_without_its_permission_is_denied(tenant: Tenant, kind: str, tmp_path: Path) -> None:
    tenant.grant("Contacts.Read")
    done = tenant.run(kind, tmp_path / "job", settings={"limits.stop_if_denied": 0}, addresses=tenant.addresses(3))
    tenant.grant("MailboxSettings.Read")
    assert done.code == 3
    assert set(done.statuses().values()) == {"denied"}


def test_what_prevents_a_run_is_an_exit_code_and_what_is_said(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.run("settings.report", tmp_path, options={"colums": "all"})
    assert done.code == 2
    assert "colums" in done.err
    assert not done.folder.exists()


def test_what_a_task_does_wrong_is_said(tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(TASK.replace('purpose["value"]', 'purpose["valu"]'))
    done = tenant.run(f"{tmp_path / 'broken.py'}:kind", tmp_path / "job", addresses=tenant.addresses(2))
    assert done.code == 1, "a task that fails by a mistake of its own in every mailbox has a bug"
    assert set(done.statuses().values()) == {"failed"}
    assert "KeyError: 'valu'" in done.err


def test_a_run_is_one_in_any_thread_and_beside_a_loop(tenant: Tenant, kind: str, tmp_path: Path) -> None:
    async def main() -> int:
        return tenant.run(kind, tmp_path / "job", addresses=tenant.addresses(2)).code

    assert asyncio.run(main()) == 0


def test_a_simulator_that_cannot_listen_says_so_here() -> None:
    async def taken() -> None:
        async with Simulator(Settings(mailboxes=1)) as first:
            port = int(first.graph_url.rpartition(":")[2])
            with pytest.raises(OSError, match="address"):
                await asyncio.to_thread(_serve, port)

    asyncio.run(taken())


def _serve(port: int) -> None:
    with serving(Simulator(Settings(mailboxes=1, port=port))):
        raise AssertionError("two simulators listen on one port")
