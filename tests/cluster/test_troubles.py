"""Nothing is lost and nothing is done twice, whatever becomes of workers and of the lines to them."""

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bulkmail.sim import Fault, Settings
from bulkmail.testing.tenant import open_tenant
from tests.cluster.within import Within, within

WRITING = {"task.apply": True, "limits.settle": 0.2, "cluster.lease": 1.0}
CALM = Settings(mailboxes=80, absent=0.0, denied=0.0, moving=0.0, tls=False, latency=0.02)
LOSING = replace(CALM, faults=(Fault("lost", share=0.03),))


KILLS = {9, 24, 41, 60}
TROUBLES = pytest.mark.parametrize(
    "trouble", [{}, {"fatal": KILLS}, {"cut": {9, 30, 55}}], ids=["calm", "killed", "cut off"]
)
AGAIN = pytest.mark.parametrize(
    "trouble", [{"fatal": KILLS, "again": True}, {"fatal": KILLS, "lost": True}, {"fatal": {1, 24}, "lost": True}],
    ids=["back by the same address", "killed too often", "before it began"],
)  # fmt: skip


@TROUBLES
def test_settings_are_applied_once(tmp_path: Path, trouble: Any) -> None:
    with open_tenant(tmp_path, LOSING) as tenant:
        options = {"time_zone": "Tonga Standard Time"}
        hosts = Within(3, **trouble)
        done = tenant.run("settings.apply", tmp_path / "a", options=options, settings=WRITING, sweeping=within(hosts))
        assert bool(hosts.troubles) == bool(trouble)
        assert done.code == 0, done.err
        assert set(done.statuses().values()) == {"ok"}
        assert len(done.statuses()) == len(done.lines("outcomes.ndjson")) == 80
        assert all(one["timeZone"] == options["time_zone"] for one in tenant.contents("settings"))
        again = tenant.run("settings.apply", tmp_path / "b", options=options, settings=WRITING)
        assert again.manifest["changes"] == {}


@TROUBLES
def test_contacts_are_made_once(tmp_path: Path, trouble: Any) -> None:
    _contacts_are_made_once(tmp_path, trouble)


@AGAIN
def test_a_session_is_one_process_s_and_ends_with_its_lease(tmp_path: Path, trouble: Any) -> None:
    _contacts_are_made_once(tmp_path, trouble)


def _contacts_are_made_once(tmp_path: Path, trouble: Any) -> None:
    (tmp_path / "people.csv").write_text("id,name\n" + "".join(f"k{n},Person {n}\n" for n in range(4)))
    with open_tenant(tmp_path, LOSING) as tenant:
        options = {"contacts": str(tmp_path / "people.csv"), "folder": "Staff"}
        hosts = Within(3, **trouble)
        done = tenant.run("contacts.sync", tmp_path / "a", options=options, settings=WRITING, sweeping=within(hosts))
        assert bool(hosts.troubles) == bool(trouble)
        assert done.code == 0, done.err
        assert len(done.lines("outcomes.ndjson")) == 80
        for address in tenant.addresses():
            keys = [row["key"] for row in tenant.contents("contacts", address) if row["key"]]
            assert sorted(keys) == ["k0", "k1", "k2", "k3"], address


@TROUBLES
def test_what_must_not_be_sent_twice_is_not(tmp_path: Path, trouble: Any) -> None:
    with open_tenant(tmp_path, CALM) as tenant:
        options = {"campaign": "c", "subject": "s", "body": "b", "mode": "direct"}
        hosts = Within(3, **trouble)
        done = tenant.run("mail.send", tmp_path / "a", options=options, settings=WRITING, sweeping=within(hosts))
        assert bool(hosts.troubles) == bool(trouble)
        statuses = Counter(done.statuses().values())
        assert statuses.keys() <= {"ok", "unknown"}
        assert len(done.lines("outcomes.ndjson")) == 80
        sent = Counter(str(row.get("to", row)) for row in tenant.contents("sent"))
        assert max(sent.values(), default=0) <= 1
        assert statuses["ok"] <= len(sent) <= 80


@TROUBLES
def test_content_is_saved_whole_and_once(tmp_path: Path, trouble: Any) -> None:
    """Checkpoints with blobs before them: another worker goes on behind the last one."""
    with open_tenant(tmp_path, replace(CALM, mailboxes=30)) as tenant:
        options = {"inline": True}
        alone = tenant.run("attachments.save", tmp_path / "alone", options=options)
        hosts = Within(3, **trouble)
        lease = {"cluster.lease": 1.0}
        done = tenant.run("attachments.save", tmp_path / "a", options=options, settings=lease, sweeping=within(hosts))
        assert bool(hosts.troubles) == bool(trouble)
        assert done.code == alone.code == 0, done.err
        assert len(done.lines("outcomes.ndjson")) >= 30
        assert Counter(map(_saved, done.rows)) == Counter(map(_saved, alone.rows))
        for row in done.rows:
            if row["path"]:
                content = (done.folder / row["path"]).read_bytes()
                assert sha256(content).hexdigest() == row["sha256"]


def _saved(row: Any) -> str:
    return str({name: row[name] for name in ("mailbox", "name", "size", "sha256", "state")})
