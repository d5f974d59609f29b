"""Inputs as people have them, byte for byte, and what becomes of each row."""

import asyncio
import csv
import io
from contextlib import nullcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.errors import InputError
from bulkmail.model import Counts, Mailbox, Rejected
from bulkmail.source import Admission, FileSource, Kind
from bulkmail.source.admission import Look
from bulkmail.source.chunks import CHUNK
from bulkmail.source.lines import LONGEST
from tests.source.tables import GUID, Verdicts, read, refusal, told


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\xef\xbb\xbf", []),
        (b"\n\n", []),
        (b",,\n", []),
        (b"mailbox\n", []),
        (b"mailbox\na@x\n", [(2, "a@x")]),
        (b"mailbox\na@x", [(2, "a@x")]),
        (b"\xef\xbb\xbfmailbox\r\na@x\r\n", [(2, "a@x")]),
        (b"mailbox\ra@x\rb@x", [(2, "a@x"), (3, "b@x")]),
        (b"mailbox\r\na@x\nb@x\rc@x", [(2, "a@x"), (3, "b@x"), (4, "c@x")]),
        (b"a@x\nb@x\n", [(1, "a@x"), (2, "b@x")]),
        (b'"a@x",\n"b@x",\n', [(1, "a@x"), (2, "b@x")]),
        (GUID.encode(), [(1, GUID)]),
        (b"# list\n\na@x\n", [(3, "a@x")]),
        (b'#TYPE System.Object\r\n"Name","Mail"\r\n"A","a@x"\r\n', [(3, "a@x")]),
        (b"sep=;\r\nName;Mail\r\nA, B;a@x\r\n", [(2, "a@x")]),
        (b"Name|Mail\nA|a@x\n".replace(b"|", b"\t"), [(2, "a@x")]),
        (b'sep=|\n"A"|Mail\nA|a@x\n', [(2, "a@x")]),
        (b"Name;Mail\nA;a@x\n", [(2, "a@x")]),
        (b'"Last, First";Mail\n"A, B";a@x\n', [(2, "a@x")]),
        (b'Name,Mail\n"A\nB\n\nC",a@x\nD,b@x\n', [(2, "a@x"), (3, "b@x")]),
        (b'Name, Mail\nA, "a@x"\n', [(2, "a@x")]),
        (b"mailbox\na@x\n\n  \nb@x\n\n", [(2, "a@x"), (3, "blank"), (4, "blank"), (5, "b@x"), (6, "blank")]),
        (b"Name,Mail\nA\nB,b@x,more\n", [(2, "blank"), (3, "b@x")]),
        (b"mailbox\na@x\n# gone\nA@X \n", [(2, "a@x"), (3, "invalid"), (4, "duplicate")]),
        (b"mailbox\na\x00@x\nb@x\n", [(2, "invalid"), (3, "b@x")]),
        (b'Mail,Name\na@x,A "B" C\nb@x,"B" C\nc@x,C\n', [(2, "a@x"), (3, "invalid"), (4, "c@x")]),
        (b"mailbox\na@x\nmailbox\nb@x\n", [(2, "a@x"), (3, "invalid"), (4, "b@x")]),
        (b"Name,Mail\nJos\xe9,a@x\nB,jos\xe9@x\n", [(2, "a@x"), (3, "invalid")]),
    ],
)
def test_csv(content: bytes, expected: list[tuple[int, str]]) -> None:
    assert told(read(content)) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(encoding: str) -> None:
    text = "DisplayName,UserPrincipalName\r\nÅsa Ö,åsa@contoso.com\r\n用户,b@contoso.com\r\n"
    assert told(read(text.encode(encoding))) == [(2, "åsa@contoso.com"), (3, "b@contoso.com")]


@pytest.mark.parametrize("heading", ["mailbox", "User Principal Name", "PRIMARY_SMTP_ADDRESS", "E-mail", "objectId"])
def test_usual_names_are_found_however_they_are_written(heading: str) -> None:
    assert told(read(f"Notes,{heading}\nx,a@x\n".encode())) == [(2, "a@x")]


def test_the_most_trusted_of_several_columns_wins() -> None:
    assert told(read(b"id,mail,UserPrincipalName\n1,m@x,u@x\n")) == [(2, "u@x")]
    assert told(read(b"id,mail,UserPrincipalName\n1,m@x,u@x\n", column="MAIL")) == [(2, "m@x")]


def test_the_id_beside_the_address_is_carried() -> None:
    assert read(f"UPN,Id\na@x,{GUID}\nb@x\n".encode()) == [Mailbox("a@x", 2, GUID), Mailbox("b@x", 3)]


def test_other_cells_are_kept_when_asked_for() -> None:
    content = b"Team,mail,,Site\nSales,a@x,?,Oslo\nIT,b@x\n"
    kept = [each.columns for each in read(content, keep_columns=True) if isinstance(each, Mailbox)]
    assert kept == [{"Team": "Sales", "mail": "a@x", "Site": "Oslo"}, {"Team": "IT", "mail": "b@x"}]
    assert [each.columns for each in read(content) if isinstance(each, Mailbox)] == [{}, {}]


def test_unknown_columns_are_listed() -> None:
    error = refusal(b"Name,Phone\x1b[31m\nA,1\n")
    assert "'Name', 'Phone\\x1b[31m'" in str(error)
    assert "--set input.column=" in error.hint


def test_a_column_that_is_not_there_is_answered_with_the_nearest() -> None:
    error = refusal(b"Name,PrimaryAddress\nA,a@x\n", column="primaryadress")
    assert "'Name', 'PrimaryAddress'" in str(error)
    assert error.hint == "Did you mean 'PrimaryAddress'?"
    assert refusal(b"a,b\n", column="zzzz").hint == "Give one of these names."


@pytest.mark.parametrize(
    ("content", "column"),
    [
        (b"mail,name,Mail\na@x,A,b@x\n", ""),
        (b"Box,box \na@x,b@x\n", "box"),
        (b"mailbox,Mail,Mailbox\na@x,,\n", ""),
        (b"E-mail,Email\na@x,b@x\n", ""),
    ],
)
def test_a_heading_that_is_there_twice_is_refused(content: bytes, column: str) -> None:
    assert "there twice" in str(refusal(content, column=column))


def test_names_that_are_only_much_alike_can_be_told_apart_by_the_option() -> None:
    assert told(read(b"E-mail,Email,,\na@x,b@x,,\n", column="email")) == [(2, "b@x")]


def test_a_row_of_quoted_nothing_on_top_is_no_heading_and_hides_no_rows() -> None:
    assert "no column is known" in str(refusal(b'"",""\nname,mail\nA,a@x\n'))
    assert "no column is known" in str(refusal("\u00a0\nmail\na@x\n".encode()))


def test_a_list_that_starts_with_neither_heading_nor_address_is_not_guessed_at() -> None:
    assert "'Postfach'" in str(refusal(b"Postfach\na@x\n"))
    assert told(read(b"Postfach\na@x\n", column="postfach")) == [(2, "a@x")]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'mail,name\na@x,A\nb@x,"B\nc@x,C\nd@x,D\n', 3),
        (b'mail,name\na@x,A\nb@x,"B\nc@x,C\nd@x,"D"\ne@x,E\n', 3),
        (b'mail,name\na@x,"A', 2),
        (b'\n"mail,name\na@x,A', 2),
        (b'mail,name\na@x,"A\n' + b"b@x,B\n" * 50_000, 2),
    ],
)
def test_an_open_quote_never_swallows_rows(content: bytes, line: int) -> None:
    assert f"begins in line {line} has a quote that is not closed" in str(refusal(content))


def test_a_heading_with_broken_quotes_is_refused() -> None:
    assert "the first row has quotes that do not match" in str(refusal(b'"mail"x,name\na@x,A\n'))


LONG = b"x" * (LONGEST + 10)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_line_over_the_limit_is_one_invalid_row(kind: Kind, end: bytes) -> None:
    if kind is Kind.JSON:
        return  # has no lines
    first, second = (b'"a@x"', b'"b@x"') if kind is Kind.NDJSON else (b"a@x", b"b@x")
    content = end.join([first, LONG, second, LONG])
    assert told(read(content, kind=kind)) == [(1, "a@x"), (2, "invalid"), (3, "b@x"), (4, "invalid")]


def test_a_cell_over_the_limit_of_csv_is_one_invalid_row() -> None:
    verdicts = read(b"mail,notes\na@x," + b"y" * 200_000 + b"\nb@x,\n")
    assert told(verdicts) == [(2, "invalid"), (3, "b@x")]
    assert "cell longer than" in getattr(verdicts[0], "why", "")


def test_a_first_line_over_the_limit_is_refused() -> None:
    assert "the first line is longer" in str(refusal(LONG + b"\na@x\n"))


CELLS = st.sampled_from(["a@x", "A@x", "b@x", GUID, "", " ", "nobody", 'x"y', "p;q", "two\nlines", "é@x"]) | st.text(
    st.characters(codec="utf-8"), max_size=6
)


@settings(max_examples=60)
@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=4)),
    delimiter=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_no_row_of_a_csv_is_lost(rows: list[list[str]], delimiter: str, end: str, encoding: str) -> None:
    page = io.StringIO(newline="")
    csv.writer(page, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(
        [["name", "mailbox"], *rows]
    )
    verdicts = read(page.getvalue().encode(encoding))
    assert [each.row for each in verdicts] == list(range(2, len(rows) + 2))


def plainly(text: str) -> tuple[list[Mailbox | Rejected], str]:
    """What a CSV with the heading `name,mailbox` says, a record and a line at a time, and why no more can be read."""
    admission, verdicts, taken = Admission(), list[Mailbox | Rejected](), 0
    lines = text.splitlines(keepends=True)
    reader = csv.reader(iter(lines), strict=True, skipinitialspace=True)
    while taken < len(lines):
        try:
            cells = next(reader)
        except csv.Error as error:
            if reader.line_num > taken + 1 or "end of data" in str(error):
                return verdicts[1:], f"begins in line {taken + 1} "
            verdicts.append(admission.reject(len(verdicts) + 1, "invalid", "", "has quotes that do not match"))
        else:
            if verdicts:
                look = Look(("mailbox",))
                verdicts.append(admission.admit(len(verdicts) + 1, cells[1] if len(cells) > 1 else "", look=look))
            else:
                verdicts.append(Rejected(1, "blank", ""))  # the heading
        taken = reader.line_num
    return verdicts[1:], ""


GOOD = st.integers(0, 2000).map("a,user{}@x\n".format)
ODD = st.sampled_from(
    ["\n", "a\n", ",,\n", '"a\nb\n",a@x\n', 'a,"b@x\nc@x"\n', '"B" C,a@x\n', '"a\nb" c,a@x\n', 'a,"b@x\n']
)


@given(
    runs=st.lists(st.tuples(st.lists(GOOD, max_size=40), ODD), max_size=5),
    many=st.integers(0, CHUNK + 8),
)
def test_many_rows_at_once_are_judged_as_one_after_the_other(runs: list[tuple[list[str], str]], many: int) -> None:
    text = "name,mailbox\n" + "b,user@x\n" * many + "".join("".join(good) + odd for good, odd in runs)
    verdicts, why = plainly(text)
    source = FileSource(io.BytesIO(text.encode()))
    found: Verdicts = []

    async def main() -> None:
        async for chunk in source:
            found.extend(chunk)

    with pytest.raises(InputError, match=why) if why else nullcontext():
        asyncio.run(main())
    assert found == verdicts
    assert source.counts.rows == len(verdicts)


def test_a_broken_row_is_known_for_one_behind_rows_of_several_lines_and_in_any_chunk() -> None:
    broken, tall = b'"B" C,a@x\n', b'"a\r\nb",b@x\n'
    verdicts = read(b"name,mailbox\n" + broken + b"c,c@x\n" * (CHUNK - 1) + tall + broken + tall + broken)
    invalid = [row for row, verdict in told(verdicts) if verdict == "invalid"]
    assert invalid == [2, CHUNK + 3, CHUNK + 5]
    assert "begins in line 518 " in str(refusal(b"name,mailbox\n" + broken + b"c,c@x\n" * 513 + tall + b'"a,b@x\n'))


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_line_end_in_a_cell_stays_what_it_is(end: str) -> None:
    [mailbox] = read(f'mail,Notes{end}a@x,"b{end}c"{end}'.encode(), keep_columns=True)
    assert mailbox == Mailbox("a@x", 2, "", {"mail": "a@x", "Notes": f"b{end}c"})


def complaint(content: bytes, kind: Kind | None) -> str:
    try:
        read(content, kind=kind)
    except InputError as error:
        return str(error)
    return ""


@settings(max_examples=40)
@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_read_or_refused_in_printable_words(content: bytes) -> None:
    for kind in (None, *Kind):
        assert complaint(content, kind).isprintable()


def test_counts_tell_each_verdict() -> None:
    source = FileSource(io.BytesIO(b"mailbox\na@x\nA@X\n\nnobody\n"))

    async def main() -> None:
        async for _ in source:
            pass

    asyncio.run(main())
    assert source.counts == Counts(unique=1, duplicates=1, blank=1, invalid=1)
