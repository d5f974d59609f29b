"""What a job remembers of its mailboxes: the last try, the last success, and which were listed."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bulkmail.errors import OutputError
from bulkmail.model import Mailbox, Outcome, Problem, Status
from bulkmail.rundir.freshness import MANY, NEVER, SOON, Entry, Freshness
from bulkmail.rundir.state import States
from bulkmail.source.stalest import Last

ADA, ALAN, GRACE = (Mailbox(f"{name}@contoso.com", row) for row, name in enumerate(("ada", "alan", "grace"), 2))


@contextmanager
def opened(folder: Path, at: float, *, listed: float | None = None, scope: str = "s") -> Iterator[Freshness]:
    told: list[str] = []
    path, began = folder / "state.sqlite", at if listed is None else listed
    with closing(Freshness.open(path, scope, listed=began, note=told.append, now=lambda: at)) as freshness:
        yield freshness
    assert told in ([], [f"{path} is new: no mailbox counts as tried"])


def ended(mailbox: Mailbox, status: Status) -> Outcome:
    return Outcome(mailbox, status, problem=None if status is Status.OK else Problem("Code", "said"))


def entries(freshness: Freshness) -> list[Entry]:
    known = freshness.known()
    assert known is not None
    return list(known.entries)


def test_the_last_try_the_last_success_and_what_was_not_reached(tmp_path: Path) -> None:
    with opened(tmp_path, 100) as freshness:
        assert freshness.known() is None
        freshness.put([ended(ADA, Status.OK), ended(ALAN, Status.ABSENT), ended(GRACE, Status.NOT_RUN)])
        assert freshness.known() is None, "the run may be killed before it has accounted for all"
        freshness.whole()
    with opened(tmp_path, 200) as freshness:
        freshness.put([ended(ADA, Status.FAILED)])
        ada = ADA._replace(address="ADA@Contoso.com")
        assert freshness.last([GRACE, ada, ALAN]) == [Last(NEVER), Last(200, failed=True), Last(100)]
        assert freshness.last([]) == []
        assert entries(freshness) == [
            Entry("grace@contoso.com", NEVER, NEVER, "", ""),
            Entry("ada@contoso.com", 100, 200, "failed", "Code"),
            Entry("alan@contoso.com", 100, 100, "absent", "Code"),
        ]


def test_who_is_no_longer_listed_is_not_told_of(tmp_path: Path) -> None:
    with opened(tmp_path, 100) as freshness:
        freshness.put([ended(ADA, Status.OK), ended(ALAN, Status.OK)])
        freshness.whole()
    with opened(tmp_path, 200) as freshness:
        freshness.put([ended(ADA, Status.OK)])
        freshness.whole()
        assert [one.mailbox for one in entries(freshness)] == ["ada@contoso.com"]


def test_a_run_of_a_part_keeps_its_tries_and_changes_no_list(tmp_path: Path) -> None:
    with opened(tmp_path, 100) as freshness:
        freshness.put([ended(ADA, Status.OK), ended(ALAN, Status.FAILED)])
        freshness.whole()
    with opened(tmp_path, 200, listed=0) as freshness:
        freshness.put([ended(ALAN, Status.OK)])
        freshness.whole()
        assert [(one.mailbox, one.well) for one in entries(freshness)] == [
            ("ada@contoso.com", 100), ("alan@contoso.com", 200),
        ]  # fmt: skip


def test_scopes_and_the_states_of_mailboxes_share_a_file_and_nothing_else(tmp_path: Path) -> None:
    with closing(States.open(tmp_path / "state.sqlite", "mail.report", "s", lambda _: None)) as states:
        states.put([(ADA, {"delta": "1"})])
    with opened(tmp_path, 100) as freshness, opened(tmp_path, 100, scope="other") as other:
        freshness.put([ended(ADA, Status.OK)])
        assert other.last([ADA]) == [Last(NEVER)]
        freshness.whole()
        assert other.known() is None


def test_what_cannot_be_kept_is_told_once_and_ends_nothing(tmp_path: Path) -> None:
    told: list[str] = []
    freshness = Freshness.open(tmp_path / "state.sqlite", "s", listed=1, note=told.append)
    freshness.close()
    told.clear()
    freshness.put([ended(ADA, Status.OK)])
    freshness.whole()
    assert freshness.last([ADA]) == [Last(NEVER)]
    assert len(told) == 1
    assert "count as never tried" in told[0]
    with pytest.raises(OutputError, match=r"state\.sqlite"):
        freshness.known()


def test_many_outcomes_are_written_at_once_and_few_soon(tmp_path: Path) -> None:
    clock = [100.0]
    path = tmp_path / "state.sqlite"
    writing = Freshness.open(path, "s", listed=1, note=lambda _: None, now=lambda: clock[0])
    with closing(writing), closing(Freshness.open(path, "s", note=lambda _: None)) as reading:
        writing.put([ended(ADA, Status.OK)])
        assert reading.last([ADA]) == [Last(NEVER)], "it waits for others"
        clock[0] += SOON
        writing.put([])
        assert reading.last([ADA]) == [Last(100)]
        writing.put([ended(ALAN._replace(address=f"m{number}@contoso.com"), Status.OK) for number in range(MANY)])
        assert reading.last([Mailbox("m7@contoso.com", 9)]) == [Last(100 + SOON)]
    assert "Freshness of s" in repr(writing)


def test_a_damaged_file_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").write_bytes(b"not a database, and longer than its header would be" * 50)
    told: list[str] = []
    with closing(Freshness.open(tmp_path / "state.sqlite", "s", note=told.append)) as freshness:
        assert freshness.last([ADA]) == [Last(NEVER)]
    assert "is damaged, and is now state.sqlite.damaged: no mailbox counts as tried" in told[0]


def test_a_file_that_may_not_be_looked_at_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="too long"):
        Freshness.open(tmp_path / ("x" * 300), "scope", listed=0.0, note=print)
