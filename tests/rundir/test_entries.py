"""An entry of a journal comes back as what was written, and nothing else comes back at all."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.model import NOTHING, Change, Effect, Ending, Mailbox, Outcome, Problem, Request, Status, Tally
from bulkmail.rundir.entries import (
    LAST_ROW,
    WELL,
    ChangeEntry,
    Concluded,
    Intent,
    Reopened,
    counts,
    decode_change,
    decode_outcome,
    encode_change,
    encode_outcome,
)
from bulkmail.rundir.heartbeat import Heartbeat

FOREIGN = (ValueError, TypeError, KeyError, AttributeError)

texts = st.text(st.characters(codec="utf-8"), max_size=9)
numbers = st.integers(0, 10**9)
seconds = st.integers(0, 10**9).map(lambda milli: milli / 1000) | st.integers(0, 10)
problems = st.builds(Problem, texts, texts, st.integers(0, 599), texts, texts)
plain = st.recursive(
    st.none() | st.booleans() | texts | numbers, lambda one: st.lists(one) | st.dictionaries(texts, one)
)

outcomes = st.builds(
    Outcome,
    st.builds(Mailbox, texts, numbers, texts, st.just(NOTHING)),
    st.sampled_from(Status),
    numbers,
    st.builds(Tally, numbers, numbers, seconds, texts),
    seconds,
    st.none() | problems,
    numbers,
)
entries: st.SearchStrategy[ChangeEntry] = st.one_of(
    st.builds(
        Intent, numbers, numbers, texts, st.builds(Change, texts, plain, plain, st.booleans()),
        st.sampled_from(Effect), st.booleans(), texts, texts, texts,
    ),
    st.builds(Concluded, numbers, numbers, st.sampled_from([*Ending][1:]), texts, st.booleans()),
    st.builds(Reopened, st.just(Heartbeat()) | st.builds(Heartbeat, texts.filter(bool), numbers.map(float))),
)  # fmt: skip


@given(outcomes, st.dictionaries(texts, numbers, max_size=2))
def test_an_outcome_comes_back_as_it_was(outcome: Outcome, lengths: dict[str, int]) -> None:
    assert decode_outcome(orjson.loads(encode_outcome(outcome, lengths))) == (outcome, lengths)


@given(outcomes, st.dictionaries(texts, texts, min_size=1))
def test_the_cells_of_its_row_come_back_with_one_that_did_not_end_well(outcome: Outcome, cells: dict[str, str]) -> None:
    told = outcome._replace(mailbox=outcome.mailbox._replace(columns=cells))
    kept = told if outcome.status not in WELL else outcome
    assert decode_outcome(orjson.loads(encode_outcome(told, {}))).outcome == kept


@given(entries)
def test_a_change_comes_back_as_it_was(entry: ChangeEntry) -> None:
    assert decode_change(orjson.loads(encode_change(entry))) == entry


def test_a_member_that_this_version_does_not_know_is_passed_over() -> None:
    problem = Problem("Code", "text")
    told = orjson.loads(encode_outcome(Outcome(Mailbox("ada@example.com", 2), Status.FAILED, problem=problem), {}))
    told["error"]["later"] = told["later"] = 1
    assert decode_outcome(told).outcome.problem == problem


WHOLE: dict[str, Any] = orjson.loads(
    encode_outcome(
        Outcome(Mailbox("ada@example.com", 2, "id"), Status.FAILED, problem=Problem("Code", "text")), {"records.csv": 7}
    )
)


@pytest.mark.parametrize("name", ["row", "mailbox", "status", "rows", "requests", "throttled", "waited", "seconds",
                                  "offsets"])  # fmt: skip
def test_an_outcome_that_lacks_something_is_refused(name: str) -> None:
    with pytest.raises(FOREIGN):
        decode_outcome({key: value for key, value in WHOLE.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("row", -1), ("row", LAST_ROW), ("row", True), ("row", 2.0), ("row", "2"), ("mailbox", None), ("id", 7),
        ("status", "well"), ("status", ["ok"]), ("rows", None), ("waited", "1"), ("seconds", None), ("error", "Code"),
        ("error", {"code": 7, "message": ""}), ("error", {"code": "c", "message": "", "status": "500"}), ("error", {}),
        ("offsets", []), ("offsets", {"records.csv": -1}), ("offsets", {"records.csv": "7"}), ("waited_for", 7),
        ("error", []), ("columns", {"Name": "Ada"}), ("columns", [["Name"]]), ("columns", [["Name", 7]]),
        ("columns", None),
    ],
)  # fmt: skip
def test_an_outcome_of_other_types_is_refused(name: str, value: object) -> None:
    with pytest.raises(FOREIGN):
        decode_outcome(WHOLE | {name: value})


INTENT: dict[str, Any] = orjson.loads(encode_change(Intent(1, 7, "ada", Change("k", 1, 2), Effect.KEYED)))
END: dict[str, Any] = {"change": 1, "row": 7, "state": "done", "id": "i"}


@pytest.mark.parametrize(
    ("entry", "name", "value"),
    [
        (INTENT, "row", -1), (INTENT, "row", LAST_ROW), (INTENT, "change", "1"), (INTENT, "change", -1),
        (INTENT, "key", 7), (INTENT, "mailbox", None), (INTENT, "effect", "strange"), (INTENT, "path", 7),
        (INTENT, "state", "begun"), (INTENT, "state", None), (INTENT, "state", []), (END, "id", 7), (END, "row", None),
        (END, "change", True),
    ],
)  # fmt: skip
def test_a_change_of_other_types_is_refused(entry: dict[str, Any], name: str, value: object) -> None:
    with pytest.raises(FOREIGN):
        decode_change(entry | {name: value})


@pytest.mark.parametrize(("entry", "name"), [(INTENT, "key"), (INTENT, "before"), (END, "row"), (END, "state")])
def test_a_change_that_lacks_something_is_refused(entry: dict[str, Any], name: str) -> None:
    with pytest.raises(FOREIGN):
        decode_change({key: value for key, value in entry.items() if key != name})


def test_an_intent_is_made_of_its_request() -> None:
    request = Request("POST", "/users/ada/contacts?x=1", "ada", body={"n": 1}, effect=Effect.KEYED, row=7)
    intent = Intent.of(3, request, planned=True)
    assert intent.time.endswith("+00:00")
    assert intent._replace(time="") == Intent(
        3, 7, "ada", Change("/users/ada/contacts", None, {"n": 1}), Effect.KEYED, True, "POST", request.path
    )


@pytest.mark.parametrize(
    ("ending", "further", "counted"),
    [(Ending.DONE, False, True), (Ending.DONE, True, False), (Ending.UNKNOWN, True, True), (Ending.UNSENT, True, True)],
)
def test_what_goes_on_with_a_change_counts_only_where_it_ends_badly(
    ending: Ending, *, further: bool, counted: bool
) -> None:
    assert counts(Concluded(1, 7, ending, "", further)) is counted


@pytest.mark.parametrize("findings", ["3", True, 1.5, None])
def test_findings_that_are_not_a_number_are_refused(findings: Any) -> None:
    well = Outcome(Mailbox("ada@contoso.com", 2), Status.OK, findings=3)
    entry = orjson.loads(encode_outcome(well, {}))
    assert decode_outcome(entry).outcome.findings == 3
    with pytest.raises(FOREIGN):
        decode_outcome(entry | {"findings": findings})
