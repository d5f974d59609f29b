"""What is told of the workers of a cluster before a run."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from distributed.security import Security
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bulkmail.app.finding import Finding, Level, exit_code, failed, passed, warned
from bulkmail.cluster.calls import Key, Switchboard
from bulkmail.cluster.check import (
    NEEDED,
    SIGNING_IN,
    Asking,
    Versions,
    check,
    compared,
    examine,
    looked_at,
    named,
    told,
    versions,
)
from bulkmail.cluster.hosts import DaskHosts
from bulkmail.cluster.place import with_own_secrets, without_secrets
from bulkmail.config import Job, load
from bulkmail.errors import ConfigError
from bulkmail.sim import Settings
from bulkmail.testing.tenant import open_tenant, write_job
from tests.app.rig import APP

TABLES = '[input]\npath = "list.csv"\n\n[task]\nname = "settings.report"\n'
FINDINGS = st.sampled_from([passed("fine"), warned("odd", "look"), failed("off", "mend", 4), failed("gone", "move", 7)])


@pytest.mark.parametrize(("here", "level"), [
    (("1.2.0", "3.11.2"), Level.PASS), (("1.2.0", "3.11.9"), Level.PASS), (("1.2.0", "3.12.1"), Level.WARN),
    (("1.2.1", "3.11.2"), Level.FAIL), (("1.1.9", "3.12.1"), Level.FAIL),
])  # fmt: skip
def test_bulkmail_is_the_same_everywhere_and_python_nearly(here: tuple[str, str], level: Level) -> None:
    assert compared(Versions("1.2.0", "3.11.2"), Versions(*here)).level is level


def test_this_process_agrees_with_itself() -> None:
    assert compared(versions(), versions()).level is Level.PASS


@given(st.lists(FINDINGS, min_size=1, max_size=6))
def test_a_worker_is_as_grave_as_its_gravest_finding(made: list[Finding]) -> None:
    made = [named(f"c{number}", one) for number, one in enumerate(made)]
    found = told("tls://10.0.0.7:40001", made)
    assert found.check == "tls://10.0.0.7:40001"
    assert found.code == exit_code(made)
    assert exit_code([found]) == exit_code(made)
    assert set(found.facts) == {one.check for one in made}
    for one in made:
        if one.level is not Level.PASS:
            assert f"{one.check}: {one.text}" in found.text


def test_secrets_do_not_travel_and_a_worker_has_its_own() -> None:
    job = Job(
        app=APP.model_copy(update={"client_secret": SecretStr("S3cret"), "certificate_password": SecretStr("pw")})
    )
    sent = without_secrets(job)
    assert (sent.app.client_secret, sent.app.certificate_password) == (None, None)
    own = with_own_secrets(sent, {"BULKMAIL_CLIENT_SECRET": "other"}).app
    assert own.client_secret is not None
    assert own.client_secret.get_secret_value() == "other"
    assert own.certificate_password is None


@pytest.mark.parametrize("own", [False, True])
def test_what_a_run_needs_is_tried_where_the_worker_is(tmp_path: Path, own: bool) -> None:
    with open_tenant(tmp_path, Settings(mailboxes=3)) as tenant:
        job = load(write_job(tmp_path, tenant.simulator, tenant.app, TABLES), environment={})
        found = {one.check: one for one in asyncio.run(_examined(job, Key("k"), own=own))}
        assert found.keys() == {"versions", "coordinator", "task", "blobs"} | NEEDED | (SIGNING_IN if own else set())
        assert {name for name, one in found.items() if one.level is Level.FAIL} == set()
        refused = {one.check: one for one in asyncio.run(_examined(job, Key("another"), own=own))}
        assert refused["coordinator"].level is Level.FAIL


def test_a_worker_without_the_task_says_so(tmp_path: Path) -> None:
    with open_tenant(tmp_path, Settings(mailboxes=3)) as tenant:
        written = write_job(tmp_path, tenant.simulator, tenant.app, TABLES.replace("settings.report", "mine.py:task"))
        found = asyncio.run(_examined(load(written, environment={}), Key("k"), own=False))
        assert [(one.check, one.level) for one in found][-1] == ("task", Level.FAIL)


async def _examined(job: Job, key: Key, *, own: bool) -> list[Finding]:
    board = Switchboard({"hello": _hello}, {"k": True}.get, Security())
    address = await board.listen("tcp://127.0.0.1:0")
    try:
        return await examine(address, key, versions(), job, own=own, place=None, security=Security())
    finally:
        await board.close()


async def _hello(_session: object) -> str:
    return ""


def test_a_job_without_workers_is_refused() -> None:
    with pytest.raises(ConfigError, match="no workers"):
        asyncio.run(check(Job(app=APP), _unheard))


def _unheard(_finding: Finding) -> None:
    raise AssertionError("there is no worker to tell of")


def test_workers_that_are_gone_when_they_are_asked_are_not_taken_for_well() -> None:
    async def main() -> None:
        client: Any = SimpleNamespace(scheduler=None)
        hosts = DaskHosts(client, Security(), "tcp://127.0.0.1:0")
        with pytest.raises(ConfigError, match="no worker is left"):
            await looked_at(hosts, Asking(Key("k"), Job(app=APP), own=False, place=None), _unheard)

    asyncio.run(main())
