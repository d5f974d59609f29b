"""Workers do what a run alone does, whatever becomes of some of them."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bulkmail.app.apply import apply
from bulkmail.app.resume import resume
from bulkmail.app.sweeping import Work
from bulkmail.app.undo import undo
from bulkmail.cluster.desk import Session
from bulkmail.cluster.sweeping import Crew, excuse
from bulkmail.sim import Settings
from bulkmail.testing.tenant import Tenant, open_tenant
from tests.cluster.within import Within, within

TENANT = Settings(mailboxes=120, seed=5, tls=False)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with open_tenant(tmp_path_factory.mktemp("tenant"), TENANT) as found:
        yield found


@pytest.mark.parametrize("workers", [1, 3])
def test_rows_and_outcomes_are_those_of_a_run_alone(tenant: Tenant, tmp_path: Path, workers: int) -> None:
    alone = tenant.run("settings.report", tmp_path / "alone")
    done = tenant.run("settings.report", tmp_path / "shared", sweeping=within(Within(workers)))
    assert done.code == alone.code, done.err
    assert done.statuses() == alone.statuses()
    assert Counter(map(str, done.rows)) == Counter(map(str, alone.rows))
    assert len(done.lines("outcomes.ndjson")) == len(alone.lines("outcomes.ndjson"))
    *others, this = done.manifest["processes"]
    assert [one["requests"] for one in others] == [f"{this['requests'][:19]}c00{n + 1}-" for n in range(workers)]
    assert all(one["ended"] and one["host"] and one["version"] for one in (*others, this))
    assert sum(one["attempts"] for one in (*others, this)) >= done.manifest["sums"]["requests"] > 0


CALM = Settings(mailboxes=60, absent=0.0, denied=0.0, moving=0.0, tls=False)
ZONE = {"time_zone": "Tonga Standard Time"}


def test_no_more_is_changed_than_may_be_and_the_rest_goes_on(tmp_path: Path) -> None:
    with open_tenant(tmp_path, CALM) as tenant:
        settings = {"task.apply": True, "limits.max_changes": 7}
        done = tenant.run("settings.apply", tmp_path / "a", options=ZONE, settings=settings, sweeping=within(Within(3)))
        assert (done.code, done.manifest["changes"]["done"]) == (5, 7), done.err
        assert Counter(done.statuses().values()) == {"ok": 7, "not_run": 53}
        ended = asyncio.run(resume(done.folder, {"limits.max_changes": 0}, sweeping=within(Within(2))))
        assert (ended.manifest.exit_code, ended.manifest.changes["done"]) == (0, 60)
        assert all(one["timeZone"] == ZONE["time_zone"] for one in tenant.contents("settings"))


def test_a_plan_by_workers_is_carried_out_by_workers_and_taken_back(tmp_path: Path) -> None:
    with open_tenant(tmp_path, CALM) as tenant:
        before = {address: tenant.contents("settings", address) for address in tenant.addresses()}
        plan = tenant.run("settings.apply", tmp_path / "a", options=ZONE, sweeping=within(Within(2)))
        assert (plan.code, plan.manifest["changes"]) == (0, {"planned": 60})
        made = asyncio.run(apply(plan.folder, {}, into=tmp_path / "made", sweeping=within(Within(2))))
        assert made.manifest.changes == {"done": 60}
        back = asyncio.run(undo(made.folder, {"task.apply": True}, into=tmp_path / "back", sweeping=within(Within(2))))
        assert back.manifest.changes == {"done": 60}, back
        assert {address: tenant.contents("settings", address) for address in tenant.addresses()} == before


def test_rows_of_one_sender_stay_with_one_worker(tmp_path: Path) -> None:
    """Its limits are kept there: none is refused."""
    with open_tenant(tmp_path, replace(CALM, mailboxes=20, latency=0.02)) as tenant:
        sender = tenant.addresses()[0]
        options = {"campaign": "c", "subject": "s", "body": "b", "sender": sender}
        settings = {"task.apply": True}
        done = tenant.run("mail.send", tmp_path / "a", options=options, settings=settings, sweeping=within(Within(3)))
        assert done.code == 0, done.err
        books = tenant.books()
        assert (books["breaches"], books["statuses"].get("429", 0)) == ({}, 0)


def test_a_wrong_permission_ends_the_run_for_all(tmp_path: Path) -> None:
    with open_tenant(tmp_path, CALM) as tenant:
        tenant.grant("Mail.Send")
        done = tenant.run("settings.report", tmp_path / "a", sweeping=within(Within(3)))
        assert done.code == 4
        assert len(done.statuses()) == 60


def test_no_worker_goes_on_when_results_cannot_be_written(tmp_path: Path) -> None:
    """As on a full disk."""
    hosts, over = Within(2), list[bool]()

    async def sweep(work: Work) -> None:
        work.outputs.writer._sinks[0].file.close()  # type: ignore[attr-defined]
        try:
            await Crew(work, hosts, 2).run()
        finally:
            over.append(all(task.done() for task in hosts.tasks.values()))

    with open_tenant(tmp_path, CALM) as tenant:
        done = tenant.run("settings.report", tmp_path / "a", sweeping=sweep)
        assert (done.code, over) == (7, [True])


@pytest.mark.parametrize(("still", "heard"), [(0.0, 90.0), (-0.1, 90.0), (7.0, 97.0), (30.0, 100.0)])
def test_while_the_coordinator_stood_still_no_worker_was_silent(still: float, heard: float) -> None:
    session = Session(1, "one", 90.0)
    excuse([session], still, 100.0)
    assert session.heard == heard


def test_a_run_that_is_cancelled_gives_every_mailbox_an_outcome(tmp_path: Path) -> None:
    """As by a second Ctrl-C: also those that workers had in hand."""
    sessions = list[dict[str, Session]]()

    def in_hand() -> bool:
        return any(one.held for one in sessions[0].values())

    async def sweep(work: Work) -> None:
        crew = Crew(work, Within(2), 2)
        sweeping = asyncio.create_task(crew.run())
        sessions.append(crew._coordinator.sessions)
        while not (sweeping.done() or in_hand()):  # noqa: ASYNC110 - what a worker has in hand has no event
            await asyncio.sleep(0)
        sweeping.cancel()
        await sweeping

    with open_tenant(tmp_path, CALM) as tenant:
        done = tenant.run("settings.report", tmp_path / "a", sweeping=sweep)
        assert done.code == 130, done.err
        assert len(done.statuses()) == len(done.lines("outcomes.ndjson")) == 60
        assert in_hand()
        ended = asyncio.run(resume(done.folder, {}, sweeping=within(Within(2))))
        assert (ended.manifest.exit_code, ended.manifest.statuses["ok"]) == (0, 60)
