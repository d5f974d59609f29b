"""A list of contacts is read by its columns, or refused with its row; so are the options beside it."""

from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import ConfigError, InputError
from bulkmail.tasks import check_options
from bulkmail.tasks.contacts.sync import contacts_sync
from tests.tasks.contacts.test_sync import OPTIONS, listed


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("id,name\n", {}, "holds no contact; every one that was synced would be deleted"),
        ("id,name\n,Ada\n", {}, "row 2 has no key"),
        ("id,name\n1,Ada\nX,B\nx,C\n", {}, "rows 3 and 4 have the same key 'x'"),
        ("id,name,mail\n1,Ada,nobody\n", {}, "row 2 has 'nobody', which is not an address"),
        ("id,mail\n1,a@b.c;d@e.f;g@h.i;j@k.l\n", {}, "row 2 has 4 addresses; a contact holds 3"),
        ("id,phone\n1,+1; +2; +3\n", {}, "row 2 has 3 phones in a field; a contact holds 2 business and 2 home phones"),
        ("id,home phone\n1,\n2,+1; +2; +3\n", {}, "row 3 has 3 phones in a field"),
        ("id,name,name\n1,Ada,Eve\n", {}, "row 2: the column 'name' is there twice"),
        ("key,name\n1,Ada\n", {}, "there is no column 'id'"),
        ("id,name\n1,Ada\n", {"columns": {"jobTitle": "Naem"}}, "there is no column 'Naem'; did you mean name?"),
        ("id,colour\n1,red\n", {}, "no column fills a field"),
        ("id,name\n1,Ada\n", {"columns": {"displayName": ""}}, "no column fills a field"),
    ],
)
def test_lists_that_cannot_be_meant(text: str, options: dict[str, Any], said: str, tmp_path: Path) -> None:
    listed(tmp_path, text)
    with pytest.raises(InputError) as caught:
        check_options(contacts_sync, {"contacts": "people.csv", "folder": "F", **options}, tmp_path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"columns": {"jobTite": "x"}}, "task.columns: jobTite is not a field of a contact; did you mean jobTitle?"),
        ({"folder": " "}, "task.folder: should not be empty"),
        ({"contacts": 5}, "task.contacts: should be the path of a file"),
        ({"folders": "x"}, "task.folders is not an option of contacts.sync; did you mean folder?"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    listed(tmp_path)
    with pytest.raises(ConfigError) as caught:
        check_options(contacts_sync, {**OPTIONS, **options}, tmp_path)
    assert said in str(caught.value)


def test_columns_by_name_and_by_choice(tmp_path: Path) -> None:
    listed(tmp_path, "Ref;First name;Last Name;Mail 1;Mail 2;Office phone;Job title;Firma\n7;Ada;K;a@b.c;d@e.f;1;;X\n")
    columns = {"emailAddresses": ["Mail 1", "Mail 2"], "companyName": "Firma", "jobTitle": ""}
    options: Any = check_options(
        contacts_sync, {**OPTIONS, "key_column": "ref", "columns": columns}, tmp_path
    )  # fmt: skip
    assert {key: one.fields for key, one in options.wanted.items()} == {"7": {
        "givenName": "Ada", "surname": "K", "companyName": "X", "businessPhones": ["1"],
        "emailAddresses": [{"address": "a@b.c", "name": "a@b.c"}, {"address": "d@e.f", "name": "d@e.f"}],
    }}  # fmt: skip


def test_options_of_an_old_run_need_no_list(tmp_path: Path) -> None:
    listed(tmp_path)
    kept = check_options(contacts_sync, OPTIONS, tmp_path).model_dump(mode="json")
    (tmp_path / "people.csv").unlink()
    assert check_options(contacts_sync, kept).model_dump(mode="json") == kept


def test_addresses_as_a_mail_program_writes_them(tmp_path: Path) -> None:
    listed(tmp_path, 'id,mail\n1,"Ahorn, Anna <anna@a.example>; Ben <ben@a.example>;"\n')
    options: Any = check_options(contacts_sync, OPTIONS | {"columns": {}}, tmp_path)
    found = options.wanted["1"].fields["emailAddresses"]
    assert [one["address"] for one in found] == ["anna@a.example", "ben@a.example"]


SPOILT = 'id;DisplayName;Mobile;Phone\n1;Anna;4,91701E+11;\n2;Ben;4.91701E+11;+1\n3;Cora;+49 30 1;"\'0123; +2"\n'


def test_phone_numbers_that_a_spreadsheet_has_spoilt_are_left_out_and_counted(tmp_path: Path) -> None:
    listed(tmp_path, SPOILT)
    options: Any = check_options(contacts_sync, OPTIONS | {"columns": {}}, tmp_path)
    fields = {key: dict(one.fields) for key, one in options.wanted.items()}
    assert fields == {
        "1": {"displayName": "Anna", "businessPhones": []},
        "2": {"displayName": "Ben", "businessPhones": ["+1"]},
        "3": {"displayName": "Cora", "mobilePhone": "+49 30 1"},
    }
    (warning,) = options.warnings()
    assert warning == (
        "people.csv: 3 phone numbers look as a spreadsheet leaves them, such as 4,91701E+11 in row 2: left out "
        "(task.write_odd_numbers)"
    )
    written: Any = check_options(contacts_sync, OPTIONS | {"columns": {}, "write_odd_numbers": True}, tmp_path)
    assert written.wanted["1"].fields["mobilePhone"] == "4,91701E+11"
    assert written.wanted["3"].fields["businessPhones"] == ["'0123", "+2"]
    assert "written as they are" in written.warnings()[0]


@pytest.mark.parametrize("number", ["+49 170 1", "0170/1", "1E", "E+11", "112", "+1 (555) 0100 ext. 5"])
def test_phone_numbers_as_people_write_them_are_no_reason_to_warn(number: str, tmp_path: Path) -> None:
    listed(tmp_path, f"id,mobile\n1,{number}\n")
    options: Any = check_options(contacts_sync, OPTIONS | {"columns": {}}, tmp_path)
    assert options.wanted["1"].fields == {"mobilePhone": number}
    assert options.warnings() == ()


def test_an_unreadable_cell_fails_the_list_only_where_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(b"id,name,colour\n1,Ada,gr\xfcn\n")
    options: Any = check_options(contacts_sync, OPTIONS | {"columns": {}}, tmp_path)
    assert options.wanted["1"].fields == {"displayName": "Ada"}
    (tmp_path / "people.csv").write_bytes(b"id,name,colour\n1,J\xfcrgen,\n")
    with pytest.raises(InputError, match=r"people\.csv: row 2: the column 'name' holds a character that could not be"):
        check_options(contacts_sync, OPTIONS | {"columns": {}}, tmp_path)


def test_columns_that_fill_no_field_are_told(tmp_path: Path) -> None:
    listed(tmp_path, "id,Name,Role,Team\n1,Ada,CFO,x\n")
    options: Any = check_options(contacts_sync, OPTIONS | {"columns": {}}, tmp_path)
    assert "not used: Role, Team" in options.warnings()[0]
    named: Any = check_options(contacts_sync, OPTIONS | {"columns": {"jobTitle": "Role"}}, tmp_path)
    assert "not used: Team" in named.warnings()[0]


@pytest.mark.parametrize(("there", "left", "most", "refused"), [
    (500, 3, 0.5, True),
    (500, 250, 0.5, False),
    (19, 1, 0.5, False),
    (500, 3, 1.0, False),
    (500, 499, 0.0, True),
])  # fmt: skip
def test_a_list_that_was_cut_deletes_nothing(
    there: int,
    left: int,
    most: float,
    refused: bool,
    tmp_path: Path,
) -> None:
    listed(tmp_path, "id,Name\n" + "".join(f"K{number},n\n" for number in range(left)))
    options: Any = check_options(contacts_sync, OPTIONS | {"columns": {}, "max_deleted": most}, tmp_path)
    keys = [f"k{number}" for number in range(there)]
    if refused:
        with pytest.raises(InputError, match=f"of the {there} contacts there are not in the list any more"):
            options.require_few_deleted(keys)
    else:
        options.require_few_deleted(keys)
