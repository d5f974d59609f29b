"""A run over nothing is refused, with what was seen and what to do."""

import asyncio
import io
from pathlib import Path

import pytest

from bulkmail.app.input import spooled, survey
from bulkmail.errors import InputError
from bulkmail.source import FileSource
from bulkmail.source.empty import MEANT

DIGITS = "B217BFF20AAF1302F67ED73A7C1A2B3C"
PRINTED = "\r\nUserPrincipalName  Name\r\n-----------------  ----\r\nada@contoso.com    Ada\r\n".encode("utf-16")

CONCEALED = (
    "none of its 1 rows names a mailbox; row 2 is a concealed name of a usage report, not an address; looked at User "
    f"Principal Name: '{DIGITS}'"
)
KINDS = [
    ("list.csv", b"", "there is no row in it", "a filter may have found no one"),
    ("list.csv", b"UserPrincipalName,DisplayName\r\n", "there is no row in it", "a filter may have found no one"),
    ("list.csv", f"User Principal Name\r\n{DIGITS}\r\n".encode(), CONCEALED, "admin center"),
    ("list.txt", PRINTED, "none of its 4 rows names a mailbox; row 2 ", "Export-Csv mailboxes.csv"),
    ("list.txt", b"UserPrincipalName : ada\n", "none of its 1 rows names a mailbox; row 1 ", "Export-Csv"),
    ("list.csv", b"mail,name\n,\n,\n", "none of its 2 rows names a mailbox; row 2 is blank in mail", "input.column"),
    ("list.json", b'{\n"value": []\n}\n', "there is no row in it", "a filter may have found no one"),
    ("list.txt", b"# nobody\n", "none of its 1 rows names a mailbox; row 1 is a comment: '# nobody'", "input.column"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "said", "hint"), KINDS)
def test_a_file_without_a_mailbox(name: str, content: bytes, said: str, hint: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        asyncio.run(survey(FileSource(path)))
    assert str(caught.value).startswith(f"{path}: {said}")
    assert hint in caught.value.hint
    assert caught.value.hint.endswith(MEANT)
    assert caught.value.exit_code == 2
    assert asyncio.run(survey(FileSource(path), empty_is_ok=True)) == 0


@pytest.mark.parametrize("content", [b"", b"mail\nnobody\n"])
def test_a_stream_without_a_mailbox(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"standard input: (there is no row|none of its 1 rows)"):
        asyncio.run(spooled(FileSource(io.BytesIO(content)), tmp_path / "spooled"))
    kept = asyncio.run(spooled(FileSource(io.BytesIO(content)), tmp_path / "spooled", empty_is_ok=True))
    assert kept.counts.unique == 0


def test_one_mailbox_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"mail\nnobody\nada@contoso.com\n")
    assert asyncio.run(survey(FileSource(path))) == 1
    assert asyncio.run(survey(None)) == 0
