"""Where mailboxes come from is decided before anything is asked of Graph."""

import asyncio
from pathlib import Path

import pytest

from bulkmail.app.input import chosen, file_source, survey
from bulkmail.config import Input
from bulkmail.errors import InputError, UsageError
from bulkmail.model import Mailbox
from bulkmail.source.selected import Selected
from tests.run.stage import ListSource


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


def excluded(tmp_path: Path, listed: str, exceptions: str, column: str = "") -> int:
    """How many mailboxes of a list are left out."""
    return selected(tmp_path, listed, exceptions, column).counts.excluded


def selected(tmp_path: Path, listed: str, exceptions: str, column: str = "") -> Selected:
    (tmp_path / "m.csv").write_text(listed)
    (tmp_path / "vip.csv").write_text(exceptions)
    source = file_source(Input(path=str(tmp_path / "m.csv"), exclude=str(tmp_path / "vip.csv"), column=column))
    assert isinstance(source, Selected)
    asyncio.run(survey(source, empty_is_ok=True))
    return source


@pytest.mark.parametrize("cell", ["Main Street 1", "none", "n/a", "d41d8cd98f00b204e9800998ecf8427e"])
def test_what_is_not_an_address_leaves_no_other_mailbox_out(tmp_path: Path, cell: str) -> None:
    """Such as the street in which all of them work, in a column that is called Address."""
    listed = f"UserPrincipalName,Address\nada@contoso.com,{cell}\ngrace@contoso.com,{cell}\n"
    assert excluded(tmp_path, listed, f"UserPrincipalName,Address\nada@contoso.com,{cell}\n") == 1


def test_an_address_that_an_exception_cannot_be_relied_on_for_is_refused(tmp_path: Path) -> None:
    doubled = "UserPrincipalName,mail,mail\nada@contoso.com,a@contoso.com,b@contoso.com\n"
    with pytest.raises(InputError, match="row 2: the column 'mail' is there twice"):
        excluded(tmp_path, "mail\na@contoso.com\n", doubled)
    (tmp_path / "vip.csv").write_bytes("UserPrincipalName,mail\nada@contoso.com,jürgen@contoso.com\n".encode("cp1252"))
    listed = file_source(Input(path=str(tmp_path / "m.csv"), exclude=str(tmp_path / "vip.csv")))
    with pytest.raises(InputError, match="could not be read"):
        asyncio.run(survey(listed))
    (tmp_path / "vip.csv").write_bytes("UserPrincipalName,User\nada@contoso.com,Jürgen\n".encode("cp1252"))
    assert asyncio.run(survey(listed)) == 1, "it is a name"


def test_columns_that_are_there_twice_leave_nothing_out(tmp_path: Path) -> None:
    doubled = "UserPrincipalName,mail,mail\nada@contoso.com,a@contoso.com,b@contoso.com\n"
    assert excluded(tmp_path, doubled, "mailbox\nb@contoso.com\n") == 0


def test_each_row_of_an_exception_has_an_address_of_it(tmp_path: Path) -> None:
    exceptions = "UserPrincipalName,mail\nada@contoso.com,a@contoso.com\nada@contoso.com,lovelace@contoso.com\n"
    source = selected(tmp_path, "mail\nlovelace@contoso.com\ngrace@contoso.com\n", exceptions)
    assert source.counts.excluded == 1
    assert source.warnings == ()  # it is one exception


def test_beside_a_column_of_other_people_no_address_is_that_of_the_mailbox(tmp_path: Path) -> None:
    listed = "Manager,UserPrincipalName\ngrace@contoso.com,ada@contoso.com\n"
    assert excluded(tmp_path, listed, "mailbox\nada@contoso.com\n", column="Manager") == 0
    assert excluded(tmp_path, listed, "mailbox\nGrace@contoso.com\n", column="Manager") == 1
    assert excluded(tmp_path, listed, "mailbox\ngrace@contoso.com\n", column="UserPrincipalName") == 0


def test_both_names_of_a_user_of_the_directory_are_his_own(tmp_path: Path) -> None:
    """A column, which only a list has, is of no account there."""
    (tmp_path / "vip.csv").write_text("mailbox\na.lovelace@contoso.com\n")
    listing = ListSource([[Mailbox("ada@contoso.com", 1, "", {"mail": "a.lovelace@contoso.com"})]])
    given = Input(users="", column="Manager", exclude=str(tmp_path / "vip.csv"))
    source = chosen(listing, given, keep_columns=False)
    assert asyncio.run(survey(source, empty_is_ok=True)) == 0
    assert source.counts.excluded == 1
