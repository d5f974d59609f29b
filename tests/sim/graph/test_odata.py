"""Query options: what a filter lets through, and how nonsense is refused."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.sim.graph.call import Refusal, escape, split_query, split_target
from bulkmail.sim.graph.odata import (
    order,
    page_size,
    parse_filter,
    property_key,
    read_token,
    select,
    whole_number,
    write_token,
)

SOURCE = "String {66F5A359-4659-4830-9070-00047EC6AC6E} Name Source"
ITEM = {
    "id": "A1",
    "mail": "fern.dale@tenant.example",
    "nothing": None,
    "accountEnabled": True,
    "size": 7,
    "receivedDateTime": "2026-01-15T08:00:00Z",
    "from": {"emailAddress": {"address": "Amber@partner.example"}},
    "plans": [{"service": "exchange", "state": "Enabled"}, {"service": "teams", "state": "Deleted"}],
    "singleValueExtendedProperties": [
        {"id": SOURCE, "value": "k1"},
        {"id": "Long 0xe08", "value": "900"},
    ],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail ne null", True),
        ("nothing eq null", True),
        ("accountEnabled eq true", True),
        ("accountEnabled eq false", False),
        ("not (accountEnabled eq false)", True),
        ("id eq 'a1'", True),
        ("id in ('b', 'A1')", True),
        ("size gt 6 and size lt 8", True),
        ("size ge 8 or size le 6", False),
        ("nothing gt 1", False),
        ("startsWith(mail,'fern')", True),
        ("endswith(mail, '@TENANT.example')", True),
        ("contains(mail,'o''tor')", False),
        ("startswith(nothing,'x')", False),
        ("receivedDateTime ge 2026-01-15T08:00:00Z", True),
        ("receivedDateTime lt 2026-01-01T00:00:00Z", False),
        ("from/emailAddress/address eq 'amber@partner.example'", True),
        ("plans/any(p:p/service eq 'exchange' and p/state eq 'Enabled')", True),
        ("plans/any(p:p/service eq 'teams' and p/state eq 'Enabled')", False),
        ("plans/all(p:p/state eq 'Enabled')", False),
        ("plans/$count ne 0", True),
        ("(id eq 'x' or size eq 7) and not startswith(id,'b')", True),
        (
            f"singleValueExtendedProperties/Any(ep: ep/id eq '{SOURCE.lower()}' and ep/value eq 'k1')",
            True,
        ),
        ("singleValueExtendedProperties/any(ep: ep/id eq 'Long 0x0E08' and ep/value eq '900')", True),
    ],
)
def test_a_filter_decides(text: str, expected: bool) -> None:
    assert parse_filter(text).test(ITEM) is expected


@pytest.mark.parametrize("text", ["", "mail", "mail eq", "mail like 'x'", "(mail eq 'x'", "mail eq 'x' or", "a eq 1 )"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="BadRequest"):
        parse_filter(text)


@given(st.text())
def test_no_text_makes_the_reader_fail_in_another_way(text: str) -> None:
    with contextlib.suppress(Refusal):
        parse_filter(text).test(ITEM)


@given(st.text())
def test_quoted_text_is_compared_as_it_was_meant(text: str) -> None:
    quoted = text.replace("'", "''")
    assert parse_filter(f"name eq '{quoted}'").test({"name": text})
    assert not parse_filter(f"name eq '{quoted}'").test({"name": f"{text}x"})


@pytest.mark.parametrize(
    ("text", "advanced"),
    [("id eq 'x'", False), ("startswith(a,'b')", False), ("mail ne null", True), ("not (a eq 1)", True),
     ("endswith(a,'b')", True), ("plans/$count eq 0", True)],
)  # fmt: skip
def test_what_needs_an_advanced_query(text: str, advanced: bool) -> None:
    assert parse_filter(text).advanced is advanced


def test_only_what_is_demanded_outright_is_known_to_be_equal() -> None:
    assert parse_filter("id eq 'X' and a eq 1").equals == (("id", "x"), ("a", 1))
    assert parse_filter("id eq 'X' or a eq 1").equals == ()
    assert parse_filter("not (id eq 'X')").equals == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Long 0x0E08", "long 0xe08"),
        ("String {AB} Name X", "string {ab} name x"),
        ("Integer {ab} Id 0x08012", "integer {AB} id 0x8012"),
    ],
)  # fmt: skip
def test_names_of_extended_properties_have_many_spellings(first: str, second: str) -> None:
    assert property_key(first) == property_key(second)


@given(st.text(min_size=1))
def test_what_is_escaped_comes_back(text: str) -> None:
    assert split_query(f"a={escape(text)}") == {"a": text}
    if "/" not in text:
        assert split_target(f"/users/{escape(text)}")[0] == ("users", text)


def test_options_are_known_with_and_without_a_dollar_in_any_casing() -> None:
    found = split_query("%24top=1&Select=id&$FILTER=a%20eq%201&startDateTime=x&$skiptoken=t")
    assert found == {"$top": "1", "$select": "id", "$filter": "a eq 1", "startDateTime": "x", "$skiptoken": "t"}


@given(st.text(max_size=8), st.lists(st.integers(0, 1 << 40), min_size=1, max_size=3), st.text(max_size=12))
def test_tokens_hold_their_places_and_no_others(kind: str, places: list[int], other: str) -> None:
    token = write_token(kind, *places)
    assert read_token(token, kind) == tuple(places)
    assert other == token or read_token(other, kind) in {None, ()}


def test_pages_orders_and_choices() -> None:
    rows: list[Any] = [{"id": n, "name": name} for n, name in enumerate(["b", None, "A", "c"])]
    assert [row["id"] for row in order(rows, {"$orderby": "name"})] == [1, 2, 0, 3]
    assert [row["id"] for row in order(rows, {"$orderby": "name desc"})] == [3, 0, 2, 1]
    assert select({"id": 1, "name": "a", "x": 2, "@odata.etag": "e"}, {"$select": "NAME"}) == {
        "id": 1, "name": "a", "@odata.etag": "e",
    }  # fmt: skip
    assert page_size({"$top": "5000"}, 10, 1000) == 1000
    with pytest.raises(Refusal):
        page_size({"$top": "1000"}, 100, 999, strict=True)
    with pytest.raises(Refusal):
        whole_number({"$top": "-1"}, "$top", 0)
