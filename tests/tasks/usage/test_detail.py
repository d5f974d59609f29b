"""The usage report is read by its headings, however it is cut, and no line of it decides over the others."""

import csv
import io
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import GraphError
from bulkmail.sim.families.reports.kind import COLUMNS
from bulkmail.tasks.usage.detail import HEADINGS, LONGEST, Detail

HEADING = COLUMNS["getMailboxUsageDetail"]
ADA = dict.fromkeys(HEADING, "") | {
    "Report Refresh Date": "2026-01-31", "User Principal Name": "Ada@contoso.com", "Display Name": 'Ada, "L"\nLovelace',
    "Is Deleted": "False", "Created Date": "2020-01-01", "Last Activity Date": "2026-01-29", "Item Count": "12",
    "Storage Used (Byte)": "9000", "Issue Warning Quota (Byte)": "8000", "Prohibit Send Quota (Byte)": "9500",
    "Prohibit Send/Receive Quota (Byte)": "10000", "Deleted Item Count": "3", "Deleted Item Size (Byte)": "70",
    "Report Period": "7",
}  # fmt: skip
BO = {**ADA, "User Principal Name": "bo@contoso.com", "Item Count": "5", "Display Name": "Bo"}


def written(*rows: dict[str, str], heading: tuple[str, ...] = HEADING, end: str = "\n") -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows(
        [heading, *([row.get(name, "") for name in heading] for row in rows)]
    )
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def read(content: bytes, *cuts: int) -> Detail:
    detail = Detail()
    places = [0, *sorted(cut % (len(content) + 1) for cut in cuts), len(content)]
    for start, end in pairwise(places):
        detail.feed(content[start:end])
    detail.close()
    return detail


@given(st.lists(st.integers(0, 4000), max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_it_may_be_cut_anywhere(cuts: list[int], end: str, ended: bool) -> None:
    content = written(ADA, BO, end=end)
    detail = read(content if ended else content.rstrip(), *cuts)
    assert len(detail) == 2
    assert detail.of("ADA@contoso.COM") == {
        "report_date": "2026-01-31", "display_name": 'Ada, "L"\nLovelace', "deleted": False, "created": "2020-01-01",
        "last_activity": "2026-01-29", "items": 12, "size": 9000, "warning_quota": 8000, "send_quota": 9500,
        "quota": 10000, "deleted_items": 3, "deleted_size": 70,
    }  # fmt: skip
    assert (detail.of("bo@contoso.com") or {})["items"] == 5
    assert detail.of("eve@contoso.com") is None
    assert not detail.concealed


@given(st.permutations([*HEADING, "Has Archive", "Recipient Type", "Deleted Item Quota (Byte)"]))
def test_columns_are_known_by_their_names(heading: list[str]) -> None:
    found = read(written(ADA, heading=tuple(heading))).of("ada@contoso.com") or {}
    assert {name: found[name] for name in ("items", "size", "quota")} == {"items": 12, "size": 9000, "quota": 10000}


def test_a_column_that_is_not_there_is_not_told() -> None:
    found = read(written(ADA, heading=("User Principal Name", "item  COUNT"))).of("ada@contoso.com")
    assert found is None or "size" not in found


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"Item Count": "", "Storage Used (Byte)": "-5"}, {"items": None, "size": None}),
        ({"Item Count": "9" * 30, "Is Deleted": "maybe"}, {"items": None, "deleted": None}),
        (
            {"Last Activity Date": " ", "Display Name": "a\x1fb\u2028c"},
            {"last_activity": None, "display_name": "a b\u2028c"},
        ),
    ],
)
def test_a_strange_cell_is_an_empty_one(changed: dict[str, str], told: dict[str, Any]) -> None:
    found = read(written({**ADA, **changed}, BO)).of("ada@contoso.com") or {}
    assert {name: found[name] for name in told} == told


def test_a_short_line_is_left_out_and_a_longer_one_is_not() -> None:
    content = written(ADA) + b"2026-01-31,eve@contoso.com\n\n" + written(BO).splitlines()[1] + b",more,cells\n"
    detail = read(content)
    assert len(detail) == 2
    assert detail.of("bo@contoso.com") is not None


def test_of_two_with_one_name_the_one_that_is_there_counts() -> None:
    gone = {**ADA, "Is Deleted": "True", "Item Count": "1"}
    for rows in ([gone, ADA], [ADA, gone]):
        assert (read(written(*rows)).of("ada@contoso.com") or {})["items"] == 12
    assert (read(written(gone)).of("ada@contoso.com") or {})["deleted"] is True


def test_concealed_names() -> None:
    hashed = {**ADA, "User Principal Name": "B217BFF20AAF1302F67ED73A7C1A2B3C"}
    assert read(written(hashed)).concealed
    assert not read(written(hashed, BO)).concealed
    assert not read(written()).concealed


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>\n<body>Sign in", b'{"error": "x"}', b"a,b\n1,2\n", b'User Principal Name\n"' + b"x\n" * LONGEST,
     b"User Principal Name\n" + b"x" * (LONGEST + 1), b"User Principal Name\n" + b"x" * 200_000 + b"\n"],
    ids=["empty", "html", "json", "other", "unended", "long", "wide"],
)  # fmt: skip
def test_what_is_not_a_usage_report_is_refused(content: bytes) -> None:
    with pytest.raises(GraphError, match="NotAUsageReport"):
        read(content)


def test_every_heading_is_one_of_the_documented_report() -> None:
    assert {"".join(filter(str.isalnum, name.casefold())) for name in HEADING} >= {*HEADINGS.values()}
