import csv
import io
import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bulkmail.model import Row, Status
from bulkmail.sink import Csv, Format, Ndjson, OfPart, escape, unescape
from bulkmail.sink.plain import DEEPEST, text

TEXTS = st.text(st.characters(codec=None)) | st.text("'=+-@\t\r\n\0 \u200b\uff1da;,\"")  # lone surrogates, too
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.binary() | st.datetimes() | st.decimals(),
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS | st.integers(), inner),
    max_leaves=8,
)
CIRCLE: list[object] = []
CIRCLE.append(CIRCLE)


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def cell(value: object, *, raw: bool = False) -> str:
    ((shown, end),) = table(Csv(["a", "end"], raw=raw).encode([{"a": value, "end": "."}]))
    assert end == "."
    return shown


def plainly(columns: Sequence[str], row: Row, *, raw: bool, delimiter: str = ",", quote_all: bool = False) -> bytes:
    """A row as CSV has it, cell by cell and with no way round."""
    file = io.StringIO(newline="")
    quoting = {"quoting": csv.QUOTE_ALL} if quote_all else {}
    writer = csv.writer(file, lineterminator="\r\n", delimiter=delimiter, **quoting)  # type: ignore[arg-type]
    writer.writerow([plain_cell(row.get(name), raw=raw) for name in columns])
    shown = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", "\ufffd", file.getvalue())
    return shown.encode("utf-8", "backslashreplace")


def plain_cell(value: object, *, raw: bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value) if math.isfinite(value) else ""
    shown = value if isinstance(value, str) else text(value)
    return shown if raw else escape(shown)


def line(value: object) -> Any:
    return orjson.loads(Ndjson().encode([{"a": value}]))["a"]


@pytest.mark.parametrize("trigger", list("=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20"))
@pytest.mark.parametrize("lead", ["", " ", "\u00a0", "\u200b", "'", "''", "' ", "\n"])
def test_what_would_be_a_formula_gets_an_apostrophe(lead: str, trigger: str) -> None:
    text = f"{lead}{trigger}cmd|' /C calc'!A0"
    assert escape(text) == f"'{text}" or trigger in "\t\r\n\0"
    assert unescape(escape(text)) == text


@pytest.mark.parametrize("text", ["", "plain", "a=b", "'quoted'", "o'neil", " a", "'", "1-2", "#", "\u2212"])
def test_what_would_not_is_left_alone(text: str) -> None:
    assert escape(text) == unescape(text) == text


@given(TEXTS)
@example("'=1")
def test_escaping_can_be_undone(text: str) -> None:
    assert unescape(escape(text)) == text
    assert not re.match(r"\s*[=+\-@]|[\t\r\n\0]", escape(text))


def test_csv_has_the_columns_it_was_given_in_their_order() -> None:
    sheet = Csv(["mailbox", "name", "=x"])
    rows: list[Row] = [{"name": 'Ada, "A"\nB', "mailbox": "a@x", "more": 1}, {}]
    assert sheet.suffix == ".csv"
    assert sheet.header == b"mailbox,name,'=x\r\n"
    assert sheet.encode(rows) == b'a@x,"Ada, ""A""\nB",\r\n,,\r\n'
    assert sheet.encode([]) == b""


def test_a_part_has_its_own_rows_and_columns() -> None:
    sheet = OfPart("rules", Csv(["name"]))
    rows = [{"part": "rules", "name": "=a"}, {"part": "folders", "name": "b"}, {"name": "c"}, {"part": "rules"}]
    assert (sheet.suffix, sheet.header) == (".csv", b"name\r\n")
    assert table(sheet.encode(rows)) == [["'=a"], [""]]
    assert sheet.encode(rows[1:3]) == sheet.encode([]) == b""


def test_a_bom_stands_in_front_when_asked_for() -> None:
    assert Csv(["a"], bom=True).header == b"\xef\xbb\xbfa\r\n"
    assert Csv(["a"], bom=True).encode([{"a": "é"}]) == "é\r\n".encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (-5, "-5"),
        (10**30, str(10**30)),
        (-1.5, "-1.5"),
        (float("nan"), ""),
        (float("-inf"), ""),
        ("-5", "'-5"),
        (["a", 1, None, True], "a; 1; ; true"),
        (("=a",), "'=a"),
        ([], ""),
        ([["a"], "b"], '[["a"],"b"]'),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        (b"\xff\x00", "/wA="),
        (datetime(2026, 3, 1, 8, 30, tzinfo=UTC), "2026-03-01T08:30:00+00:00"),
        (date(2026, 3, 1), "2026-03-01"),
        (Status.OK, "ok"),
        (Decimal("1.10"), "1.10"),
        ("\x1b[31mred\x00\x85", "\ufffd[31mred\ufffd\ufffd"),
        ("tab\tstays", "tab\tstays"),
        ("a\ud800b", "a\\ud800b"),
    ],
)
def test_csv_cells(value: object, text: str) -> None:
    assert cell(value) == text


def test_raw_leaves_formulas_but_no_control_characters() -> None:
    assert cell("=1+1\x00", raw=True) == "=1+1\ufffd"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), None),
        (b"\xff\x00", "/wA="),
        (10**30, str(10**30)),
        ({1: "a", None: "b", False: "c"}, {"1": "a", "": "b", "false": "c"}),
        (["\ud800", 1.5, True, None], ["\\ud800", 1.5, True, None]),
        ("\u2028\x00\x1b", "\u2028\x00\x1b"),
        (datetime(2026, 3, 1, 8, 30, tzinfo=UTC), "2026-03-01T08:30:00+00:00"),
        ({"b"}, ["b"]),
        (Status.OK, "ok"),
    ],
)
def test_ndjson_values(value: object, expected: object) -> None:
    assert line(value) == expected


@given(TEXTS | st.text("\x7f\x80\x9f\u2028\u202e\u2066a\u00fc"))
def test_what_a_terminal_acts_on_is_in_no_line(shown: str) -> None:
    for content in (Ndjson().encode([{shown: shown}]), Csv(["a", "b"]).encode([{"a": shown}])):
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", content.decode())


def test_a_value_without_a_bottom_is_cut_off() -> None:
    assert line(CIRCLE)
    assert Ndjson().encode([{"a": CIRCLE}]).count(b"[") == DEEPEST - 1
    assert "…" in cell(CIRCLE)


@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES), max_size=5))
@pytest.mark.parametrize("kind", [Ndjson(), Csv(["a", "b"]), Csv(["c", "a"], raw=True)], ids=["ndjson", "csv", "raw"])
def test_any_rows_become_as_many_whole_lines(kind: Format, rows: Sequence[Row]) -> None:
    content = kind.encode(rows)
    assert content.decode("utf-8").endswith("\n") or not rows
    assert b"\x00" not in content
    if isinstance(kind, Csv):
        assert [len(cells) for cells in table(content)] == [2] * len(rows)
        assert content.count(b"\r\n") >= len(rows)
    else:
        assert [set(orjson.loads(each)) for each in content.split(b"\n")[:-1]] == [set(row) for row in rows]


NAMES = ["a", "b", "c", "d"]
SHOWN = st.sampled_from(["", "Ada", "Zo\u00eb", "(x)", "a, b", "a,b", 'a"b', "1\t2", "\u00a7 5", "-1"])
WHOLE = st.lists(SHOWN | TEXTS | VALUES, max_size=4).map(lambda values: dict(zip(NAMES, values, strict=False)))
ROWS = st.lists(WHOLE | st.dictionaries(st.sampled_from(NAMES), VALUES), max_size=6)


@given(ROWS, st.booleans(), st.sampled_from([NAMES, ["c", "a", "c"], ["a"], []]))
@example([{"a": ""}], True, ["a"])
@example([{"a": "\u2028\u202ex"}], False, NAMES)
@example([{"a": "x"}, {"a": Status.OK}, {"a": -1}, {"a": "-1"}, {"a": None}], False, ["a"])
def test_a_line_is_what_its_cells_make_whatever_the_lines_before_it(
    rows: list[Row], raw: bool, columns: list[str]
) -> None:
    expected = [plainly(columns, row, raw=raw) for row in rows]
    kind = Csv(columns, raw=raw)
    assert [kind.encode([row]) for row in rows] == expected
    assert kind.encode(rows) == b"".join(expected)


@given(ROWS, st.booleans(), st.sampled_from([NAMES, ["c", "a", "c"], ["a"]]), st.sampled_from(",;\t"))
def test_a_line_with_any_delimiter_and_with_all_cells_in_quotes_is_what_its_cells_make(
    rows: list[Row], raw: bool, columns: list[str], delimiter: str
) -> None:
    kind, quoting = (Csv(columns, raw=raw, delimiter=delimiter, quote_all=each) for each in (False, True))
    for row in (*rows, *rows):
        assert kind.encode([row]) == plainly(columns, row, raw=raw, delimiter=delimiter)
        if any(row.get(name) not in (None, "") for name in columns):
            quoted = plainly(columns, row, raw=raw, delimiter=delimiter, quote_all=True)
            assert table_of(quoting.encode([row]), delimiter) == table_of(quoted, delimiter)


def table_of(content: bytes, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter, strict=True))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("texts", [("x", ""), ("", "x"), ("", ""), ("\u00dcber", "\u3042\u00fc"), ("5", "a=-@' +1")])
def test_an_ordinary_line_is_not_written_cell_by_cell(texts: tuple[str, str], delimiter: str) -> None:
    kind = Csv(["a", "b", "c"], delimiter=delimiter)
    rows = [{"a": first, "b": value, "c": last} for value in (True, 1.5, ["u"], None) for first, last in [texts]]
    for row in rows:
        assert kind.encode([row]) == plainly(["a", "b", "c"], row, raw=False, delimiter=delimiter)
    assert not kind._texts


@given(st.characters(codec=None), st.sampled_from(",;\t|"), st.booleans())
def test_any_character_anywhere_in_a_line_is_written_as_in_a_cell_of_its_own(
    one: str, delimiter: str, raw: bool
) -> None:
    kind = Csv(["a", "b"], raw=raw, delimiter=delimiter)
    for shown in (one, f"{one}x", f"x{one}", f"x{one}x", f" {one}", f"'{one}"):
        for row in ({"a": shown, "b": ""}, {"a": "", "b": shown}):
            assert kind.encode([row]) == plainly(["a", "b"], row, raw=raw, delimiter=delimiter)


def test_only_so_many_texts_are_remembered() -> None:
    kind = Csv(["a", "b"])
    for number in range(3000):
        assert kind.encode([{"a": f"{number},"}]) == f'"{number},",\r\n'.encode()
    kind.encode([{"a": "," * 5000}])
    assert len(kind._texts) <= 1024
    assert max(map(len, kind._texts)) < 4096


@given(st.lists(TEXTS.filter(lambda one: not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]", one))))
def test_texts_come_back_from_csv_as_they_were(texts: list[str]) -> None:
    rows: list[Row] = [{"a": text, "b": 1} for text in texts]
    assert [unescape(cells[0]) for cells in table(Csv(["a", "b"]).encode(rows))] == texts


@pytest.mark.parametrize("delimiter", [";", "\t"])
@given(
    rows=st.lists(
        st.lists(st.text(max_size=5) | st.sampled_from(["a;b", "a,b", "=1", "\t", ";"]), min_size=2, max_size=2)
    )
)
def test_any_delimiter_separates_and_is_quoted_inside(delimiter: str, rows: list[list[str]]) -> None:
    kind = Csv(["a", "b"], delimiter=delimiter)
    content = kind.encode([dict(zip("ab", cells, strict=True)) for cells in rows]).decode()
    found = list(csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True))
    comma = Csv(["a", "b"]).encode([dict(zip("ab", cells, strict=True)) for cells in rows]).decode()
    assert found == list(csv.reader(io.StringIO(comma, newline=""), strict=True))


def test_a_comma_in_figures_for_those_who_read_a_point_as_a_date() -> None:
    kind = Csv(["a", "b", "c"], delimiter=";", decimal_comma=True)
    assert kind.encode([{"a": 1.5, "b": "1.5", "c": 2}]) == b"1,5;1.5;2\r\n"
    assert Csv(["a"]).encode([{"a": 1.5}]) == b"1.5\r\n"
