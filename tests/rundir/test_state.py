"""What lasts between runs: given back as it was left, or not at all."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.errors import OutputError
from bulkmail.model import Mailbox
from bulkmail.rundir.state import States, scope_of
from bulkmail.testing import run

ADA, ALAN = Mailbox("ada@contoso.com", 2), Mailbox("alan@contoso.com", 3)
LEFT = {"delta": "https://graph.example/delta?token=1"}


@contextmanager
def opened(path: Path, task: str = "mail.report", scope: str = "s") -> Iterator[tuple[States, list[str]]]:
    told: list[str] = []
    with closing(States.open(path, task, scope, told.append)) as states:
        yield states, told


def left_in(path: Path, task: str = "mail.report", scope: str = "s", mailbox: Mailbox = ADA) -> dict[str, Any]:
    with opened(path, task, scope) as (states, _):
        return run(states.read(mailbox))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in which Ada's mailbox has left something."""
    path = tmp_path / "below" / "state.sqlite"
    with opened(path) as (states, told):
        states.put([(ADA, LEFT)])
        assert told == [f"{path} is new: every mailbox has a full pass"]
    return path


def test_what_was_left_is_given_back(path: Path) -> None:
    assert left_in(path) == LEFT
    assert left_in(path, mailbox=ADA._replace(address="Ada@Contoso.com", row=9)) == LEFT, "it is the same mailbox"
    assert path.stat().st_mode & 0o777 == 0o600
    with opened(path) as (states, told):
        states.put([])
        states.put([(ADA, {"delta": "2"}), (ALAN, {})])
        assert run(states.read(ADA)) == {"delta": "2"}
        assert run(states.read(ALAN)) == {}
        assert told == []
        assert repr(states) == f"<States of mail.report in {path}>"


def test_another_task_other_options_or_another_mailbox_find_nothing(path: Path) -> None:
    assert left_in(path, task="mail.other") == {}
    assert left_in(path, scope="t") == {}
    assert left_in(path, mailbox=ALAN) == {}


def test_the_scope_is_a_digest_of_all_options() -> None:
    assert scope_of({"a": 1, "b": [2]}) == scope_of({"b": [2], "a": 1})
    assert scope_of({"a": 1}) != scope_of({"a": 2})


@pytest.mark.parametrize(
    "change",
    ['UPDATE left_behind SET state = \'{"delta":"other"}\'', "UPDATE left_behind SET mailbox = 'alan@contoso.com'"],
)
def test_what_is_not_as_it_was_written_counts_as_nothing(path: Path, change: str) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute(change)
    with opened(path) as (states, told):
        assert run(states.read(ADA)) == run(states.read(ALAN)) == {}
        assert run(states.read(ADA)) == {}
        assert told == [f"{path}: holds what was not written to it; such mailboxes have a full pass"], "once"


@settings(max_examples=60)
@given(at=st.integers(0, 1 << 20), to=st.integers(0, 255))
def test_a_damaged_file_means_a_full_pass_and_never_a_wrong_one(
    tmp_path_factory: pytest.TempPathFactory, at: int, to: int
) -> None:
    path = tmp_path_factory.mktemp("state") / "state.sqlite"
    with opened(path) as (states, _):
        states.put([(ADA, LEFT)])
    content = bytearray(path.read_bytes())
    content[at % len(content)] = to
    path.write_bytes(content)
    with opened(path) as (states, _):
        assert run(states.read(ADA)) in ({}, LEFT)
        states.put([(ADA, {"delta": "next"})])
        assert run(states.read(ADA)) in ({}, LEFT, {"delta": "next"})


def test_a_table_of_other_columns_is_damage(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as other, other:
        other.execute("CREATE TABLE left_behind (mailbox TEXT)")
    with opened(tmp_path / "state.sqlite") as (states, told):
        assert "is damaged" in told[0]
        states.put([(ADA, LEFT)])
        assert run(states.read(ADA)) == LEFT


def test_a_file_that_another_process_holds_is_not_damaged(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OutputError, match="locked"):
            States.open(path, "mail.report", "s", patience=0.01)
        other.execute("ROLLBACK")
    assert left_in(path) == LEFT


@pytest.mark.parametrize("content", [b"no database at all, but a text" * 50, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_not_a_database_is_put_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(content)
    with opened(path) as (states, told):
        assert told == [f"{path} is damaged, and is now state.sqlite.damaged: every mailbox has a full pass"]
        states.put([(ADA, LEFT)])
    assert left_in(path) == LEFT
    assert (tmp_path / "state.sqlite.damaged").read_bytes() == content


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").touch()
    assert left_in(tmp_path / "state.sqlite") == {}


def test_what_cannot_be_written_is_told_and_the_older_state_stays(path: Path) -> None:
    with opened(path) as (states, told):
        with closing(sqlite3.connect(path)) as other, other:
            other.execute(
                "CREATE TRIGGER full BEFORE INSERT ON left_behind BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
        states.put([(ADA, {"delta": "newer"})])
        states.put([(ADA, {"delta": "newer"})])
        assert run(states.read(ADA)) == LEFT
        assert told == [f"{path}: disk full; the next run does again what this one did"]


def test_what_cannot_be_read_is_told(path: Path) -> None:
    with opened(path) as (states, told):
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("DROP TABLE left_behind")
        assert run(states.read(ADA)) == {}
        assert told == [f"{path}: no such table: left_behind; such mailboxes have a full pass"]


def test_a_place_that_cannot_be_written_is_an_error_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError) as caught, opened(tmp_path / "file" / "state.sqlite"):
        pass
    assert caught.value.hint == "Name another file in [state]."
    with pytest.raises(OutputError), opened(tmp_path):
        pass


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links are followed here")
def test_it_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError), opened(tmp_path / "state.sqlite"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_many_threads_at_once(path: Path) -> None:
    with opened(path) as (states, told):
        threads = [
            threading.Thread(target=states.put, args=([(Mailbox(f"m{n}@contoso.com", n), {"n": n})],))
            for n in range(2, 20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(run(states.read(Mailbox(f"m{n}@contoso.com", n))) == {"n": n} for n in range(2, 20))
        assert told == []


def test_a_table_in_which_something_is_missing_is_damage(path: Path) -> None:
    """It opens and can be read, and only a look at all of it shows the fault."""
    with closing(sqlite3.connect(path)) as other, other:
        schema = "UPDATE sqlite_master SET sql = replace(sql, 'state TEXT NOT NULL', 'state TEXT CHECK (state = 1)')"
        other.execute("PRAGMA writable_schema = ON")
        other.execute(schema)
    with opened(path) as (states, told):
        assert "is damaged" in told[0]
        assert run(states.read(ADA)) == {}
