"""Runs with one application: together they never use more than a mailbox allows, and each soon has a fair share."""

import codecs
import os
import stat
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.errors import OutputError
from bulkmail.rundir.registry import SLOTS, Entry, Lease, fair, living
from tests.forked import FORKS


class Party:
    """A run as the registry sees it: what it may have in flight for a mailbox, and what it has."""

    def __init__(self, folder: Path, number: int, wants: int = SLOTS) -> None:
        self.lease = Lease.join(folder, Entry("t", f"/{number}", number, float(number), wants=0))
        self.wants = wants
        self.allowed = self.flying = 0

    def look(self) -> None:
        most, allowed = self.flying, self.allowed
        self.flying = max(self.flying, self.allowed)  # meanwhile it sends as much as it still may
        self.allowed = self.lease.settle(self.wants, allowed=allowed, most=most).slots

    def send(self, most: int) -> None:
        self.flying = max(self.flying, min(most, self.allowed))

    def answer(self) -> None:
        self.flying = 0


STEPS = st.lists(
    st.tuples(st.sampled_from(("join", "look", "send", "answer", "leave")), st.integers(0, 5)), max_size=30
)


@settings(max_examples=12, deadline=None)
@given(steps=STEPS, wants=st.lists(st.integers(1, SLOTS), min_size=6, max_size=6))
def test_never_more_than_a_mailbox_allows_and_soon_a_fair_share(steps: list[tuple[str, int]], wants: list[int]) -> None:
    with TemporaryDirectory() as name:
        parties: dict[int, Party] = {}
        deeds: dict[str, Callable[[Party], None]] = {
            "look": Party.look, "send": lambda one: one.send(SLOTS), "answer": Party.answer,
        }  # fmt: skip
        for deed, number in steps:
            if deed == "join" and number not in parties:
                parties[number] = Party(Path(name), number, wants[number])
            elif deed == "leave" and number in parties and not parties[number].flying:
                parties.pop(number).lease.leave()
            elif deed in deeds and number in parties:
                deeds[deed](parties[number])
            assert sum(one.flying for one in parties.values()) <= SLOTS
        for _ in range(4):
            for one in parties.values():
                one.answer()
                one.look()
                assert sum(party.flying for party in parties.values()) <= SLOTS
        expected = [min(parties[one].wants, fair(len(parties), place)) for place, one in enumerate(sorted(parties))]
        assert [parties[one].allowed for one in sorted(parties)] == expected
        for one in parties.values():
            one.lease.leave()
        assert living(Path(name)) == []


def test_fair_is_all_there_is_and_the_fifth_has_nothing() -> None:
    assert [[fair(runs, place) for place in range(runs)] for runs in range(1, 6)] == [
        [4], [2, 2], [2, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1, 0],
    ]  # fmt: skip


def test_one_that_waits_takes_nothing_from_the_others(tmp_path: Path) -> None:
    first, second = Party(tmp_path, 1), Party(tmp_path, 2, wants=0)
    first.look()
    second.look()
    first.look()
    assert (first.allowed, second.allowed) == (4, 0)
    share = second.lease.settle(0, allowed=0, most=0)
    assert [str(one) for one in share.before] == ["t in /1 (process 1)"]
    assert not share.after
    assert "/2" in repr(second.lease)
    first.lease.leave()
    second.wants = 4
    second.look()
    assert second.allowed == 4
    second.lease.leave()


def test_one_that_has_more_than_its_share_gives_it_back_as_what_it_sent_is_answered(tmp_path: Path) -> None:
    first, second = Party(tmp_path, 1), Party(tmp_path, 2)
    assert first.lease.settle(4, allowed=0, most=0).slots == 4
    second.look()
    assert second.allowed == 0, "all four are in use"
    assert first.lease.settle(4, allowed=2, most=3).slots == 2  # uses three still
    second.look()
    assert second.allowed == 1
    assert first.lease.settle(4, allowed=2, most=2).slots == 2
    second.look()
    assert second.allowed == 2
    for party in (first, second):
        party.lease.leave()


def _join_and_die(folder: str) -> None:
    Lease.join(Path(folder), Entry("killed", "/x", os.getpid(), 1.0)).settle(4, allowed=0, most=0)
    os._exit(9)


def test_a_process_that_was_killed_is_gone_and_so_are_its_files(tmp_path: Path) -> None:
    process = FORKS.Process(target=_join_and_die, args=(str(tmp_path),))
    process.start()
    process.join(300)
    assert len(list(tmp_path.glob("*.json"))) == 1
    assert living(tmp_path) == []
    assert [one.name for one in tmp_path.iterdir()] == [".lock"]


@pytest.mark.skipif(os.name != "posix", reason="modes of files are those of POSIX")
@pytest.mark.parametrize(
    ("around", "folder", "file"), [(0o755, 0o700, 0o600), (0o2770, 0o2770, 0o660), (0o1777, 0o777, 0o666)]
)
def test_others_may_take_part_where_they_may_write_to_the_folder(
    tmp_path: Path, around: int, folder: int, file: int
) -> None:
    tmp_path.chmod(around)
    before = os.umask(0o077)
    try:
        lease = Lease.join(tmp_path / "app", Entry("t", "/", 1, 1.0))
        lease.settle(4, allowed=0, most=0)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "app").stat().st_mode) == folder
    assert {stat.S_IMODE(one.stat().st_mode) for one in (tmp_path / "app").iterdir()} == {file}
    lease.leave()


FOUND = 40
"""And the number of others is how a process ends that could look; one that could not ends with 1."""


def _others(folder: str, account: int) -> None:
    codecs.lookup("ascii")  # what is imported on the way may be out of reach of the other account
    with TemporaryDirectory() as own:
        Lease.join(Path(own), Entry("own", "/x", os.getpid(), 1.0)).leave()
    os.setgid(account)
    os.setuid(account)
    lease = Lease.join(Path(folder), Entry("other", "/y", os.getpid(), 2.0))
    os._exit(FOUND + len(lease.settle(4, allowed=0, most=0).others))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="takes the rights of another account")
def test_runs_of_two_accounts_find_each_other() -> None:
    with TemporaryDirectory() as name:
        shared = Path(name).resolve()
        shared.chmod(0o1777)
        if not all(stat.S_IMODE(above.stat().st_mode) & stat.S_IXOTH for above in shared.parents):
            pytest.skip("the other account cannot reach the folder for temporary files")
        lease = Lease.join(shared / "app", Entry("t", "/", 1, 1.0))
        for _ in range(2):  # what the first leaves behind is not in the way of the second
            process = FORKS.Process(target=_others, args=(str(shared / "app"), 65534))
            process.start()
            process.join(300)
            assert process.exitcode == FOUND + 1
        assert [one.task for one in living(shared / "app")] == ["t"]
        lease.leave()


def test_a_registry_that_is_not_there_or_cannot_be_kept(tmp_path: Path) -> None:
    assert living(tmp_path / "missing") == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        Lease.join(tmp_path / "file", Entry("t", "/", 1, 1.0))
    lease = Lease.join(tmp_path / "kept", Entry("t", "/", 1, 1.0))
    (tmp_path / "kept" / "0.json").write_text("not an entry")
    assert [one.task for one in living(tmp_path / "kept")] == ["t"]
    lease.leave()
    lease.leave()
