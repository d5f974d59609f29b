"""Where mailboxes come from is decided before anything is asked of Graph."""

import asyncio
from pathlib import Path

import pytest

from bulkmail.app.input import file_source, survey
from bulkmail.config import Input
from bulkmail.errors import InputError, UsageError


def test_a_job_without_mailboxes_is_refused() -> None:
    with pytest.raises(UsageError, match="names no mailboxes"):
        file_source(Input())


def test_the_directory_is_not_a_file() -> None:
    assert file_source(Input(users="")) is None
    assert file_source(Input(group="g")) is None
    assert asyncio.run(survey(None)) == 0


def test_a_file_is_read_through_before_it_is_worked_on(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("mailbox\na@example.com\nb@example.com\na@example.com\n\n")
    listed = file_source(Input(path=str(path)))
    assert asyncio.run(survey(listed)) == 2
    assert asyncio.run(survey(file_source(Input(path=str(path), limit=1)))) == 1
    path.write_text('mailbox\na@example.com\n"open\n')
    with pytest.raises(InputError, match="not closed"):
        asyncio.run(survey(listed))


def test_a_list_of_exceptions_may_know_a_mailbox_by_another_address(tmp_path: Path) -> None:
    """A mailbox that is on it is not worked on, whichever of its addresses the input has."""
    (tmp_path / "m.csv").write_text("mail\nA.Lovelace@contoso.com\ngrace@contoso.com\n")
    (tmp_path / "vip.csv").write_text("UserPrincipalName,mail\nada@contoso.com,a.lovelace@contoso.com\n")
    listed = file_source(Input(path=str(tmp_path / "m.csv"), exclude=str(tmp_path / "vip.csv")))
    assert asyncio.run(survey(listed)) == 1
    assert listed is not None
    assert listed.counts.excluded == 1


def test_a_list_that_may_not_be_looked_at_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="File name too long"):
        file_source(Input(path=str(tmp_path / ("x" * 300))))
