"""A cell that cannot be relied on harms nothing until something asks for it."""

import asyncio
import csv
import io
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bulkmail.errors import InputError
from bulkmail.model import Mailbox, Rejected
from bulkmail.source import FileSource
from bulkmail.source.cells import MARK, TWICE, Cells, as_cells
from bulkmail.source.spool import spool
from bulkmail.tasks.kit.template import fill


def read(content: bytes, encoding: str = "") -> list[Mailbox | Rejected]:
    source = FileSource(io.BytesIO(content), encoding=encoding, keep_columns=True)

    async def main() -> list[Mailbox | Rejected]:
        return list(chain.from_iterable([chunk async for chunk in source]))

    return asyncio.run(main())


def mailbox(content: bytes, encoding: str = "") -> Mailbox:
    found = read(content, encoding)[0]
    assert isinstance(found, Mailbox)
    return found


MERGE = "UserPrincipalName;DisplayName\r\nada@x;Jürgen Müller\r\nalan@x;Anna\r\n"


def test_a_code_page_that_is_not_named_is_never_used() -> None:
    ada, alan = read(MERGE.encode("cp1252"))
    assert isinstance(ada, Mailbox)
    assert isinstance(alan, Mailbox)
    assert ada.address == "ada@x"
    with pytest.raises(
        InputError, match=r"row 2: the column 'DisplayName' holds a character that could not be"
    ) as caught:
        fill("Hello {displayname}", ada)
    assert "CSV UTF-8" in caught.value.hint
    assert 'encoding = "cp1252"' in caught.value.hint
    assert fill("Hello {DisplayName}, {mailbox}", alan) == "Hello Anna, alan@x"


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("utf-16-le", ""), ("utf-16-be", ""), ("cp1252", "cp1252"),
     ("utf-16", "cp1252"), ("utf-8-sig", "cp1252"), ("mac-roman", "mac-roman"), ("utf-8", "utf-8")],
)  # fmt: skip
def test_a_text_is_read_as_what_it_is(encoding: str, said: str) -> None:
    assert fill("{DisplayName}", mailbox(MERGE.encode(encoding), said)) == "Jürgen Müller"


def test_a_text_that_is_said_to_be_what_it_is_not_is_refused() -> None:
    with pytest.raises(InputError, match="said to be cp1252, and every byte of it is UTF-8") as caught:
        read(MERGE.encode(), "cp1252")
    assert "Take the encoding out" in caught.value.hint
    assert len(read(b"mail;Name\nada@x;Anna\n", "cp1252")) == 1, "plain ASCII is every encoding"
    assert len(read(b"mail;Name\n" + b"ada@x;Anna\n" * 4000 + MERGE.encode("cp1252"), "cp1252")) == 4003


def test_what_an_earlier_program_could_not_read_is_not_used_either() -> None:
    with pytest.raises(InputError, match="could not be read"):
        fill("{DisplayName}", mailbox(f"mail,DisplayName\nada@x,J{MARK}rgen\n".encode()))
    with pytest.raises(InputError, match="could not be read"):
        fill("{DisplayName}", mailbox(f'{{"mail": "ada@x", "DisplayName": "J{MARK}rgen"}}\n'.encode()))


def test_an_undecodable_address_gives_way_to_another_cell() -> None:
    found = read("UserPrincipalName,Mail\njürgen@x,j@x\njürgen@x,\n".encode("cp1252"))
    assert isinstance(found[0], Mailbox)
    assert found[0].address == "j@x"
    assert isinstance(found[1], Rejected)
    assert "could not be read; save the list as UTF-8" in found[1].why


def test_a_heading_that_is_there_twice_is_refused_when_it_is_used() -> None:
    ada = mailbox(b"Id,UserPrincipalName,copilotDate,copilotDate,Name\n,ada@x,1,1,Ada\n")
    assert fill("{Name}", ada) == "Ada"
    with pytest.raises(InputError, match="row 2: the column 'copilotDate' is there twice") as caught:
        fill("{CopilotDate}", ada)
    assert "Rename or remove" in caught.value.hint


def test_marks_last_in_a_spooled_input(tmp_path: Path) -> None:
    content = "mail,Name,Day,Day\nada@x,Jürgen,1,2\n".encode("cp1252")

    async def main() -> list[Mailbox | Rejected]:
        spooled = await spool(FileSource(io.BytesIO(content), keep_columns=True), tmp_path / "spooled.ndjson")
        return [row async for chunk in spooled for row in chunk]

    [ada] = asyncio.run(main())
    assert isinstance(ada, Mailbox)
    for name, why in (("Name", "could not be read"), ("Day", "there twice")):
        with pytest.raises(InputError, match=why):
            fill(f"{{{name}}}", ada)


def test_cells_are_guarded_however_they_are_looked_up() -> None:
    cells = as_cells({"a": "1", "b": MARK, "c": TWICE})
    assert isinstance(cells, Cells)
    assert (cells["a"], cells.get("a"), cells.get("z"), cells.get("z", "-")) == ("1", "1", None, "-")
    for name in "bc":
        with pytest.raises(InputError):
            _ = cells[name]
        with pytest.raises(InputError):
            cells.get(name)
    assert list(cells.values()) == ["1", MARK, TWICE]
    assert not isinstance(as_cells({"a": "1"}), Cells)


USED = st.sampled_from(["Ada", "Jürgen", "用户", "", "a;b", 'say "hi"', "two\nlines"])


@given(
    unused=st.lists(st.binary(max_size=400), min_size=1, max_size=4),
    used=USED,
    delimiter=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n"]),
    first=st.booleans(),
)
@example(unused=[b"\0x" * 200], used="Ada", delimiter=",", end="\n", first=False)
@example(unused=[b"x\0" * 200], used="Ada", delimiter=",", end="\r\n", first=False)
@example(unused=[b"x\n\0x\0" + b"x\0" * 200], used="Ada", delimiter=",", end="\n", first=False)
@example(unused=[b"\xff\xfe"], used="Ada", delimiter=",", end="\n", first=True)
@example(unused=[b"\xe2\x82"], used="Ada", delimiter=",", end="\n", first=True)
@example(unused=[b'"', b'""', b"\r", b"#", b"sep=;"], used="Ada", delimiter=",", end="\n", first=True)
def test_no_bytes_in_an_unused_cell_ever_change_a_used_one(
    unused: list[bytes], used: str, delimiter: str, end: str, *, first: bool
) -> None:
    page = io.StringIO(newline="")
    write = csv.writer(page, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerow
    write(["Unused", "Mail", "Used"] if first else ["Mail", "Used", "Unused"])
    for number in range(len(unused)):
        hole, kept = f"hole{number}", [f"a{number}@x", used]
        write([hole, *kept] if first else [*kept, hole])
    content = page.getvalue().encode()
    for number, cell in enumerate(unused):
        content = content.replace(b"hole%d" % number, cell.replace(b'"', b'""'))
    found = read(content)
    assert [row.address for row in found if isinstance(row, Mailbox)] == [f"a{n}@x" for n in range(len(unused))]
    assert [row.columns["Used"] for row in found if isinstance(row, Mailbox)] == [used] * len(unused)
