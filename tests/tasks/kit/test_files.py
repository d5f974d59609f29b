"""Files that options name are read once, early, and complained about by name, row and reason."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from bulkmail.errors import ConfigError, InputError
from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.tasks import Options, Task, check_options, task
from bulkmail.tasks.kit.files import AddressFile, TableFile, TextFile


class FilesOptions(Options):
    table: TableFile | None = None
    text: TextFile | None = None
    nobody: AddressFile | None = Field(None, description="addresses")


async def _nothing(mailbox: Mailbox, graph: Graph, options: FilesOptions) -> Any:
    yield Row()


FILES: Task = task("own.files", summary="", permission="", columns={}, options=FilesOptions)(_nothing)


def read(folder: Path, content: str | bytes, *, option: str = "table", name: str = "list.csv") -> Any:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return getattr(check_options(FILES, {option: name}, folder), option)


def complaint(folder: Path, content: str | bytes, **how: str) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, content, **how)
    assert str(caught.value).startswith(str(folder / how.get("name", "list.csv")))
    return f"{str(caught.value).removeprefix(str(folder))}\n{caught.value.hint}"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("id,full name,mail\n7, Ada L. ,a@x.y\n\n,,\n8,,\n", "list.csv"),
        ('\ufeffid;"full name";mail\r\n7;"Ada L.";a@x.y\r\n\r\n;;\r\n8\r\n', "list.csv"),
        ("sep=;\nid;full name;mail;\n7;Ada L.;a@x.y;\n\n;;;\n8;;;\n", "list.csv"),
        ('{"id": 7, "full name": "Ada L.", "mail": ["a@x.y"]}\n\n', "list.ndjson"),
        ("id,full name,mail\n7,Ada L.,a@x.y\n".encode("utf-16"), "list.csv"),
    ],
)
def test_tables_as_people_have_them(content: str | bytes, name: str, tmp_path: Path) -> None:
    rows = read(tmp_path, content, name=name).rows
    assert rows[0] == (1 if name.endswith("json") else 2, {"id": "7", "full name": "Ada L.", "mail": "a@x.y"})
    assert [row["id"] for _, row in rows] in (["7"], ["7", "8"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,name\n1,2\n1,2,3\n", "row 3 has more cells than there are columns"),
        ('id,name\n1,"open\n', "list.csv: the row that begins in line 2 has a quote that is not closed"),
        ('id,name\n1,"a" b\n', "list.csv: row 2 has quotes that do not match"),
        (b"PK\x03\x04", "this is a workbook (.xlsx) or a ZIP archive, not a list\nSave the sheet as CSV"),
        ('{"id": 1}\n{"id": \n', "row 2 is not a JSON object"),
        ('{"id": {"a": 1}}\n', "row 1 has an object where a text should be"),
    ],
)
def test_tables_that_are_none(content: str | bytes, said: str, tmp_path: Path) -> None:
    assert said in complaint(tmp_path, content)


def test_an_empty_table_has_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path, "").rows == []
    assert read(tmp_path, "id,name\n").rows == []


def test_addresses(tmp_path: Path) -> None:
    for content, name in (("A@x.y\n# nobody\n\nb@x.y\na@X.y\n", "no.txt"), ("mail,n\nA@x.y,1\nb@x.y,2\n", "no.csv"),
                          ('{"mail": "a@x.y"}\n{"mail": "B@x.y"}\n', "no.ndjson")):  # fmt: skip
        assert read(tmp_path, content, option="nobody", name=name).addresses == {"a@x.y", "b@x.y"}
    said = complaint(tmp_path, "mail\na@x.y\nnobody\n", option="nobody")
    assert "row 3 is neither an address" in said, "whoever is never to be mailed is not skipped by mistake"


def test_texts(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeffHello {Name}\n", option="text", name="t.html").text == "Hello {Name}\n"
    assert read(tmp_path, "<!doctype html>\r\nM\u00fcller", option="text", name="t.html").text.startswith("<!doctype")
    said = complaint(tmp_path, b"a\nM\xfcller", option="text", name="t.html")
    assert "line 2 holds a character that could not be read" in said
    assert "UTF-8" in said


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ('#TYPE Selected.System.Object\r\n"id","Mail"\r\n"1","a@x"\r\n', [(3, {"id": "1", "Mail": "a@x"})]),
        ('"sep=;"\r\nid;Mail\r\n1;a@x\r\n', [(2, {"id": "1", "Mail": "a@x"})]),
        ("sep=;;\r\nid;Mail\r\n1;a@x\r\n", [(2, {"id": "1", "Mail": "a@x"})]),
        ("id,Mail\r\n1,a@x,,\r\n2,b@x,,\r\n", [(2, {"id": "1", "Mail": "a@x"}), (3, {"id": "2", "Mail": "b@x"})]),
        ("\r\n\r\nid,Mail\r\n1,a@x\r\n", [(4, {"id": "1", "Mail": "a@x"})]),
        ('id;"Last, First";Mail\n1;"A, B";a@x\n', [(2, {"id": "1", "Last, First": "A, B", "Mail": "a@x"})]),
        ('"Name\nas, it, is, in, HR";id\nA;1\n', [(2, {"Name\nas, it, is, in, HR": "A", "id": "1"})]),
        ('{\n "value": [\n  {"id": 1},\n  {"id": 2}\n ]\n}\n', [(1, {"id": "1"}), (2, {"id": "2"})]),
        ('[{"id": 1},\n{"id": 2}]', [(1, {"id": "1"}), (2, {"id": "2"})]),
    ],
)
def test_tables_are_read_as_lists_of_mailboxes_are(content: str, rows: object, tmp_path: Path) -> None:
    assert read(tmp_path, content, name="list").rows == rows


def test_a_cell_that_cannot_be_relied_on_fails_only_where_it_is_asked_for(tmp_path: Path) -> None:
    rows = read(tmp_path, b"id,name,id2,id2\n1,M\xfcller,a,b\n").rows
    [(number, row)] = rows
    assert (number, row["id"]) == (2, "1")
    with pytest.raises(InputError, match="'name' holds a character that could not be read") as caught:
        row.get("name")
    assert "cp1252" in caught.value.hint
    with pytest.raises(InputError, match="'id2' is there twice"):
        _ = row["id2"]


def test_the_encoding_can_be_named_and_lasts_in_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"id,name\n1,M\xfcller\n")
    options: Any = check_options(FILES, {"table": {"path": "list.csv", "encoding": "Windows-1252"}}, tmp_path)
    assert options.table.rows == [(2, {"id": "1", "name": "M\u00fcller"})]
    again: Any = check_options(FILES, json.loads(json.dumps(options.model_dump(mode="json"))))
    assert again.table.rows == options.table.rows
    with pytest.raises(ConfigError, match="not an encoding that a list is written in; did you mean cp1253"):
        check_options(FILES, {"table": {"path": "list.csv", "encoding": "cp1253x"}}, tmp_path)
    (tmp_path / "list.csv").write_bytes("id,name\n1,M\u00fcller\n".encode())
    with pytest.raises(InputError, match="said to be cp1252, and every byte of it is UTF-8"):
        check_options(FILES, {"table": {"path": "list.csv", "encoding": "cp1252"}}, tmp_path)


def test_an_id_in_a_list_of_addresses_is_refused(tmp_path: Path) -> None:
    said = complaint(tmp_path, "mail,id\na@x,\n,5bab455c-54ea-43a5-855c-00009e3779b9\n", option="nobody")
    assert "row 3 has an id and no address" in said


def test_what_is_no_file(tmp_path: Path) -> None:
    for given, said in ((5, "should be the path of a file"), ("", "should be the path"), ({"file": "x"}, "should be")):
        with pytest.raises(ConfigError, match=f"task.table: {said}"):
            check_options(FILES, {"table": given}, tmp_path)
    with pytest.raises(InputError, match="no such file") as caught:
        check_options(FILES, {"table": "absent.csv"}, tmp_path)
    assert "relative to the job file" in caught.value.hint
    with pytest.raises(InputError, match="is a directory"):
        check_options(FILES, {"table": "."}, tmp_path)


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    with pytest.raises(InputError, match="is larger than 64 MB"):
        check_options(FILES, {"table": "large.csv"}, tmp_path)


def test_a_manifest_has_the_digest_and_not_the_content(tmp_path: Path) -> None:
    read(tmp_path, "id,name\n1,Ada\n")
    options = check_options(FILES, {"table": "list.csv"}, tmp_path)
    kept = json.loads(json.dumps(options.model_dump(mode="json")))
    assert kept["table"]["path"] == str(tmp_path / "list.csv")
    assert len(kept["table"]["sha256"]) == 64
    assert kept["text"] is None
    again: Any = check_options(FILES, kept)
    assert again.model_dump(mode="json") == kept
    assert again.table.rows == [(2, {"id": "1", "name": "Ada"})]

    (tmp_path / "list.csv").write_text("id,name\n1,Eve\n")
    changed: Any = check_options(FILES, kept)
    with pytest.raises(InputError, match="has changed since the run began"):
        _ = changed.table.rows
    (tmp_path / "list.csv").unlink()
    assert check_options(FILES, kept).model_dump(mode="json") == kept, "an old run can be taken back without it"


def test_a_file_is_read_once(tmp_path: Path) -> None:
    found = read(tmp_path, "id,name\n1,Ada\n")
    (tmp_path / "list.csv").write_text("")
    assert len(found.rows) == 1
    assert found.content
