"""Lists in the forms that people have: objects, plain text, pasted lists, answers of Graph, names of many kinds."""

import asyncio
import io
from pathlib import Path

import orjson
import pytest

from bulkmail.model import Counts, Mailbox, Rejected
from bulkmail.source import FileSource, Kind
from bulkmail.source.chunks import CHUNK
from tests.source.tables import GUID, Verdicts, read, refusal, told


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"mail":"a@x"}\n"b@x"\n', [(1, "a@x"), (2, "b@x")]),
        (b'\xef\xbb\xbf{"Mail":"a@x"}\r\n\r\n{"mail":null}\n', [(1, "a@x"), (2, "blank"), (3, "blank")]),
        (b'{"mail":"a@x"}\n{"mail":\n7\n[]\n{"name":"b"}\n', [(1, "a@x"), *((row, "invalid") for row in (2, 3, 4, 5))]),
        (b'{"mail":7}\n{"mail":"\\ud83d@x"}\n', [(1, "invalid"), (2, "invalid")]),
    ],
)
def test_ndjson(content: bytes, expected: list[tuple[int, str]]) -> None:
    assert told(read(content)) == expected


def test_ndjson_fields_are_chosen_and_kept_as_columns_are() -> None:
    content = orjson.dumps({"id": GUID, "userPrincipalName": "a@x", "n": 1, "none": None, "tags": ["b"]})
    expected = {"id": GUID, "userPrincipalName": "a@x", "n": "1", "none": "", "tags": '["b"]'}
    assert read(content, keep_columns=True) == [Mailbox("a@x", 1, GUID, expected)]
    assert told(read(b'{"box":"a@x"}\n"b@x"', column="Box")) == [(1, "a@x"), (2, "b@x")]


def test_ndjson_without_a_known_field_is_refused() -> None:
    assert "'value'" in str(refusal(b'{"value":{"mail":"a@x"}}\n'))


def test_plain_text() -> None:
    content = b"# staff\na@x\n\nExample, Bob <b@x>\nc@x,d@x\n\xef\xbb\xbfa@x"
    expected = [(1, "blank"), (2, "a@x"), (3, "blank"), (4, "b@x"), (5, "c@x"), (6, "d@x"), (7, "duplicate")]
    assert told(read(content, kind=Kind.TEXT)) == expected


BLANK_UPN = (
    '"UserPrincipalName","PrimarySmtpAddress","ExternalDirectoryObjectId"\r\n'
    f'"ada@x","ada@x",""\r\n"","alan@x","{GUID}"\r\n"","grace@x",""\r\n"n/a","","{{{GUID[::-1]}}}"\r\n"","",""\r\n'
    '"n/a","?","4711"\r\n'
)


def test_every_cell_that_can_name_the_mailbox_is_tried() -> None:
    found = read(BLANK_UPN.replace(GUID[::-1], GUID.replace("0f2e", "1111")).encode())
    other = GUID.replace("0f2e", "1111")
    expected = [Mailbox("ada@x", 2), Mailbox("alan@x", 3, GUID), Mailbox("grace@x", 4), Mailbox(other, 5, other)]
    assert found[:4] == expected
    assert found[4:] == [
        Rejected(6, "blank", "", "is blank in UserPrincipalName, PrimarySmtpAddress, ExternalDirectoryObjectId"),
        Rejected(
            7, "invalid", "n/a",
            "is neither an address, for it has no @, nor a directory id; looked at UserPrincipalName, "
            "PrimarySmtpAddress ('?'), ExternalDirectoryObjectId ('4711')",
        ),
    ]  # fmt: skip


def test_every_field_of_an_object_is_tried_as_well() -> None:
    lines = [{"userPrincipalName": "", "mail": "a@x", "id": GUID}, {"userPrincipalName": None, "mail": None, "id": ""}]
    found = read(b"\n".join(map(orjson.dumps, lines)))
    assert found[0] == Mailbox("a@x", 1, GUID)
    assert found[1] == Rejected(2, "blank", "", "is blank in userPrincipalName, mail, id")


def test_beside_a_column_that_was_named_by_hand_only_its_own_id_counts() -> None:
    content = f"UserPrincipalName,ObjectId,Manager\nada@x,{GUID},alan@x\ngrace@x,{GUID},\n".encode()
    assert read(content, column="Manager") == [Mailbox("alan@x", 2), Rejected(3, "blank", "", "is blank in Manager")]
    assert read(content, column="UserPrincipalName")[0] == Mailbox("ada@x", 2, GUID)


def test_ids_of_every_form_are_ids() -> None:
    other = GUID.replace("0f2e", "1111")
    content = f"ObjectId\r\n{{{GUID}}}\r\n{other.replace('-', '')}\r\n".encode()
    assert read(content) == [Mailbox(GUID, 2, GUID), Mailbox(other, 3, other)]


def test_concealed_names_of_a_report_are_not_ids() -> None:
    digits = GUID.replace("-", "")
    found = read(
        f"Report Refresh Date,User Principal Name,Id\n2026-11-20,{digits},\n2026-11-20,{digits},{GUID}\n".encode()
    )
    assert isinstance(found[0], Rejected)
    assert "concealed name of a usage report" in found[0].why
    assert found[1] == Mailbox(GUID, 3, GUID)


def test_a_number_sign_begins_an_address_in_a_table_and_a_comment_in_a_text() -> None:
    table = b"UserPrincipalName;DisplayName\r\n#usidahofront@x;Front room\r\nada@x;x\r\n"
    assert read(table) == [Mailbox("#usidahofront@x", 2), Mailbox("ada@x", 3)]
    assert read(b'{"mail": "#room@x"}\n"#hall@x"\n') == [Mailbox("#room@x", 1), Mailbox("#hall@x", 2)]
    assert read(b"#room@x\nada@x\n") == [Mailbox("#room@x", 1), Mailbox("ada@x", 2)]
    text = read(b"#room@x\nada@x\n", kind=Kind.TEXT)
    assert text == [Rejected(1, "blank", "#room@x", "is a comment"), Mailbox("ada@x", 2)]


OUTLOOK = "Narrows, Sedge <a@x>; Kelp Lagoon <b@x>;"


@pytest.mark.parametrize("content", [OUTLOOK, OUTLOOK + "\r\n", "a@x; b@x", "a@x <a@x>;\nb@x;", "a@x\nB <b@x>, \n"])
def test_lists_pasted_from_a_mail_program(content: str, tmp_path: Path) -> None:
    path = tmp_path / "outlook.txt"
    path.write_bytes(content.encode())
    found: Verdicts = []

    async def main() -> None:
        async for chunk in FileSource(path):
            found.extend(chunk)

    asyncio.run(main())
    assert [(row.row, row.address) for row in found if isinstance(row, Mailbox)] == [(1, "a@x"), (2, "b@x")]


def test_a_limit_holds_within_a_pasted_line() -> None:
    source = FileSource(io.BytesIO(";".join(f"u{n}@x" for n in range(3 * CHUNK)).encode()), kind=Kind.TEXT, limit=5)

    async def main() -> list[str]:
        return [row.address async for chunk in source for row in chunk if isinstance(row, Mailbox)]

    assert asyncio.run(main()) == [f"u{n}@x" for n in range(5)]
    assert source.counts == Counts(unique=5)


def test_two_addresses_in_a_csv_without_a_heading_are_two_columns() -> None:
    assert "no column is known" in str(refusal(b"a@x,b@x\n"))
    assert "no column is known" in str(refusal(b"a@x;b@x\nc@x;d@x\n"))
    assert told(read(b"a@x; b@x;\r\n")) == [(1, "a@x"), (2, "b@x")], "a line that is alone is not a table"


ANSWER = {"@odata.context": "https://graph.example/$metadata#users", "value": [{"mail": "a@x"}, {"mail": "b@x"}, 5]}


@pytest.mark.parametrize(
    "content",
    [
        orjson.dumps(ANSWER, option=orjson.OPT_INDENT_2),
        orjson.dumps(ANSWER),
        orjson.dumps(ANSWER["value"], option=orjson.OPT_INDENT_2),
        orjson.dumps(ANSWER["value"]),
        b"\xef\xbb\xbf" + orjson.dumps(ANSWER, option=orjson.OPT_INDENT_2).replace(b"\n", b"\r\n"),
        orjson.dumps(ANSWER, option=orjson.OPT_INDENT_2).decode().encode("utf-16"),
        orjson.dumps(ANSWER) + b"\n" + orjson.dumps({"value": []}) + b"\n",
    ],
)
def test_answers_of_graph_and_lists_are_read(content: bytes) -> None:
    found = read(content)
    assert found[:2] == [Mailbox("a@x", 1), Mailbox("b@x", 2)]
    assert told(found[2:]) == [(3, "invalid")]


def test_pages_a_line_go_on_counting() -> None:
    page = orjson.dumps({"value": [{"mail": "a@x"}], "@odata.nextLink": "https://graph.example/?2"})
    assert told(read(page + b"\n" + page.replace(b"a@x", b"b@x"))) == [(1, "a@x"), (2, "b@x")]


def test_a_table_printed_for_the_screen_is_named_as_such() -> None:
    error = refusal("\r\nUserPrincipalName   DisplayName\r\n-----------------   -----------\r\n".encode("utf-16"))
    assert "printed for the screen" in str(error)
    assert "Export-Csv" in error.hint
