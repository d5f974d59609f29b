"""The judge here and the service's `$filter` say the same of every message, for every selection."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.sim.families.messages.content import blank_message
from bulkmail.sim.families.messages.restrictions import check
from bulkmail.sim.graph.call import Call, Grant
from bulkmail.sim.graph.odata import parse_filter
from bulkmail.tasks import check_options
from bulkmail.tasks.messages.criteria import ALWAYS, CRITERIA, RECEIVED, moment, size_of
from bulkmail.tasks.messages.find import messages_find
from bulkmail.tasks.messages.selection import holds

WORDS = st.sampled_from(
    ["Invoice", "invoice 7", "RE: O'Neil", "", "100%", "a'b'", "İstanbul", "straße", "STRASSE", "会議", "x,y(z)", "-"]
)
ADDRESSES = st.sampled_from(
    ["ada@contoso.com", "Ada@Contoso.COM", "d'arc@fabrikam.example", "eve@notfabrikam.example", "x@sub.contoso.com"]
)
TIMES = st.sampled_from(
    [
        "2026-01-31T08:00:00Z",
        "2026-01-31T23:59:59Z",
        "2026-02-01T00:00:00Z",
        "2026-02-01T00:00:01Z",
        "1999-12-31T12:00:00Z",
    ]
)
MOMENTS = st.one_of(TIMES, st.sampled_from(["2026-01-31", "2026-02-01", "2026-01-31T09:00:00+01:00", "2025-06-01"]))


def people(address: str) -> dict[str, Any]:
    return {"emailAddress": {"name": "N", "address": address}}


MESSAGES = st.fixed_dictionaries(
    {
        "receivedDateTime": TIMES, "sentDateTime": TIMES, "subject": WORDS, "isRead": st.booleans(),
        "hasAttachments": st.booleans(), "importance": st.sampled_from(["low", "normal", "high"]),
        "categories": st.lists(st.sampled_from(["Red", "RED", "Blau ü"]), max_size=2),
        "internetMessageId": st.sampled_from(["<a@x>", "<A@X>", "<b'c@x>", ""]),
        "from": st.one_of(st.none(), ADDRESSES.map(people)),
        "toRecipients": st.lists(ADDRESSES.map(people), max_size=2),
    }
).map(lambda changed: {**blank_message("2026-01-01T00:00:00Z"), **changed})  # fmt: skip


def texts(words: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(words.filter(str.strip), min_size=1, max_size=2)


SELECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "sender": texts(st.one_of(ADDRESSES, st.sampled_from(["@contoso.com", "@FABRIKAM.example"]))),
        "recipient": texts(ADDRESSES),
        "subject": texts(WORDS), "subject_contains": texts(WORDS), "subject_starts": texts(WORDS),
        "internet_message_id": texts(st.sampled_from(["<a@x>", "<b'c@x>"])),
        "received_from": MOMENTS, "received_to": MOMENTS, "sent_from": MOMENTS, "sent_to": MOMENTS,
        "has_attachments": st.booleans(), "is_read": st.booleans(),
        "importance": st.sampled_from(["low", "high"]), "category": texts(st.sampled_from(["red", "BLAU Ü"])),
    },
)  # fmt: skip


def options_of(selection: dict[str, Any]) -> Any:
    for name in ("received", "sent"):
        ends = [selection.get(f"{name}_from"), selection.get(f"{name}_to")]
        if all(ends) and moment(ends[0]).date() > moment(ends[1]).date():
            del selection[f"{name}_to"]
    return check_options(messages_find, selection)


@given(message=MESSAGES, selection=SELECTIONS)
def test_the_filter_and_the_judge_agree(message: dict[str, Any], selection: dict[str, Any]) -> None:
    options = options_of(selection)
    narrow, *wide = options.filters()
    let_through = parse_filter(narrow).test(message)
    said = [(one, wanted) for one, wanted in options.criteria if one.clause(wanted)]
    assert let_through == holds(said, message)
    for text in (narrow, *wide):
        assert parse_filter(text).test(message) or not holds(options.criteria, message)


@given(selection=SELECTIONS)
def test_every_filter_is_one_that_the_service_takes(selection: dict[str, Any]) -> None:
    for text in options_of(selection).filters():
        options = {"$filter": text, "$orderby": RECEIVED}
        check(Call("GET", ("users", "ada", "messages"), options, {}, b"", Grant("", frozenset(), 0.0, 0), ""))
        assert text.startswith(RECEIVED)


@given(message=MESSAGES, selection=SELECTIONS)
def test_each_criterion_takes_something_away_and_adds_nothing(
    message: dict[str, Any], selection: dict[str, Any]
) -> None:
    criteria = options_of(selection).criteria
    assert holds(criteria, message) == all(holds([one], message) for one in criteria)


@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
                    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner)),
                    max_leaves=5), SELECTIONS)  # fmt: skip
def test_a_message_that_is_not_what_it_should_be_is_judged_all_the_same(value: Any, selection: dict[str, Any]) -> None:
    names = {name for one in CRITERIA for name in one.reads} | {"singleValueExtendedProperties"}
    message = dict.fromkeys(names, value)
    assert holds(options_of(selection).criteria, message) in (True, False)
    assert size_of(message) is None


@pytest.mark.parametrize(
    ("address", "wanted", "held"),
    [
        ("ada@contoso.com", "@contoso.com", True),
        ("ada@CONTOSO.com", "@Contoso.com", True),
        ("ada@sub.contoso.com", "@contoso.com", False),
        ("ada@notcontoso.com", "@contoso.com", False),
        ("ada@contoso.com.attacker.example", "@contoso.com", False),
        ("ada@contoso.com", "ADA@contoso.com", True),
    ],
)
def test_a_domain_is_every_address_of_it_and_no_other(address: str, wanted: str, held: bool) -> None:
    options: Any = check_options(messages_find, {"sender": wanted})
    assert holds(options.criteria, {"from": people(address)}) is held


@pytest.mark.parametrize("text", [None, 5, "", "soon", "2026-13-01"])
def test_what_is_no_time_is_before_all_times(text: Any) -> None:
    assert moment(text) == ALWAYS


def test_a_list_that_is_too_long_for_an_address_is_judged_here() -> None:
    wanted = [f"<{number:040}@fabrikam.example>" for number in range(40)]
    options: Any = check_options(messages_find, {"internet_message_id": wanted})
    assert options.filters() == [f"{RECEIVED} ge 1900-01-01T00:00:00Z"]
    assert holds(options.criteria, {"internetMessageId": wanted[-1].upper()})
    assert not holds(options.criteria, {"internetMessageId": "<other@fabrikam.example>"})
