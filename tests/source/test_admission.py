import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.model import Counts, Mailbox, Rejected
from bulkmail.source import Admission
from bulkmail.source.admission import FEW, SHOWN, Unread
from bulkmail.source.chunks import CHUNK, HALF

GUID = "0f2e9c1a-7b64-4c58-9d3e-5a1b2c3d4e5f"


def test_a_mailbox_is_admitted_once() -> None:
    admission = Admission()
    assert admission.admit(2, "Ada@contoso.com") == Mailbox("Ada@contoso.com", 2)
    again = admission.admit(3, " ada@CONTOSO.com ")
    assert isinstance(again, Rejected)
    assert (again.row, again.reason, again.value) == (3, "duplicate", "ada@CONTOSO.com")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("ada@contoso.com", GUID), ("alias@contoso.com", GUID.upper())),
        (("ada@contoso.com", GUID), (GUID, "")),
        ((GUID, ""), ("ada@contoso.com", GUID)),
        (("ada@contoso.com", GUID), ("ada@contoso.com", "")),
        (("ada@contoso.com", ""), ("ada@contoso.com", GUID)),
    ],
)
def test_the_same_address_or_the_same_id_is_the_same_mailbox(first: tuple[str, str], second: tuple[str, str]) -> None:
    admission = Admission()
    verdicts = [admission.admit(row, value, id=id_) for row, (value, id_) in enumerate((first, second))]
    assert [type(verdict) for verdict in verdicts] == [Mailbox, Rejected]


def test_an_id_is_carried_if_it_is_one() -> None:
    admission = Admission()
    assert admission.admit(1, "ada@contoso.com", id=f" {GUID} ") == Mailbox("ada@contoso.com", 1, GUID)
    assert admission.admit(2, "bob@contoso.com", id="4711") == Mailbox("bob@contoso.com", 2)
    assert admission.admit(3, "cy@contoso.com", id="4711") == Mailbox("cy@contoso.com", 3), "no GUID, no identity"
    assert admission.admit(5, "di@contoso.com", id="di@contoso.com") == Mailbox("di@contoso.com", 5)
    other = GUID.replace("0f2e", "1111")
    assert admission.admit(4, other) == Mailbox(other, 4, other)


def test_columns_travel_along() -> None:
    admission = Admission()
    mailbox = admission.admit(1, "ada@contoso.com", columns={"Team": "Sales"})
    assert isinstance(mailbox, Mailbox)
    assert mailbox.columns == {"Team": "Sales"}


def test_a_rejected_value_is_shortened() -> None:
    rejected = Admission().admit(1, "x" * 1000)
    assert isinstance(rejected, Rejected)
    assert rejected.value == "x" * SHOWN


def test_full_after_so_many_mailboxes() -> None:
    admission = Admission(limit=2)
    for row, value in enumerate(["a@x", "a@x", "", "b@x"]):
        assert not admission.full
        admission.admit(row, value)
    assert admission.full
    assert repr(admission) == f"<Admission {Counts(unique=2, duplicates=1, blank=1)}>"


@given(st.lists(st.sampled_from(["a@x", "A@X ", "b@x", "", "  ", "#", "nobody", "a b@x", GUID]) | st.text(max_size=8)))
def test_every_row_is_counted_once(values: list[str]) -> None:
    admission = Admission()
    verdicts = [admission.admit(row, value) for row, value in enumerate(values)]
    counts = admission.counts
    assert counts.rows == len(values)
    assert counts.unique == sum(isinstance(verdict, Mailbox) for verdict in verdicts)
    for reason, count in (("blank", counts.blank), ("invalid", counts.invalid), ("duplicate", counts.duplicates)):
        assert count == sum(isinstance(verdict, Rejected) and verdict.reason == reason for verdict in verdicts)


VALUES = st.sampled_from(["a@x", "A@X", " a@x", "", "nobody", "b@x\nc@x", GUID, Unread("is too long")])
FRESH = st.integers(0, 400).map("user{}@x".format)
IDS = st.sampled_from(["", "4711", "a@x", GUID, GUID.upper(), f" {GUID} ", GUID.replace("0f2e", "1111")])


@given(
    values=st.lists(FRESH | VALUES, max_size=12) | st.lists(FRESH, min_size=FEW, max_size=5 * FEW),
    odd=st.lists(st.tuples(st.integers(0, 5 * FEW), VALUES), max_size=2),
    ids=st.lists(IDS, min_size=1, max_size=7),
    with_ids=st.booleans(),
    with_columns=st.booleans(),
)
def test_many_are_admitted_as_one_after_the_other(
    values: list[str], odd: list[tuple[int, str]], ids: list[str], *, with_ids: bool, with_columns: bool
) -> None:
    for place, value in odd:
        values.insert(place, value)
    cells = [ids[place % len(ids)] for place in range(len(values))] if with_ids else []
    columns = [{"n": str(place)} for place in range(len(values))] if with_columns else []
    plain, together = Admission(), Admission()
    one_by_one = [
        plain.admit(row, value, id=cells[row - 2] if cells else "", columns=columns[row - 2] if columns else {})
        for row, value in enumerate(values, 2)
    ]
    assert list(together.admit_all(2, values, cells, columns)) == one_by_one
    assert together.counts == plain.counts
    assert all(isinstance(verdict, Mailbox | Rejected) for verdict in one_by_one)


def test_mailboxes_admitted_together_are_as_if_made_one_by_one() -> None:
    addresses = ["ada@contoso.com", "alan@contoso.com", "grace@contoso.com"]
    admitted = Admission().admit_all(2, addresses)
    expected = list(map(Mailbox, addresses, range(2, 5)))
    assert (len(admitted), list(admitted), admitted[1], admitted[1:]) == (3, expected, expected[1], expected[1:])
    assert {type(one) for one in admitted} == {Mailbox}
    assert repr(admitted[0]) == repr(expected[0])
    assert repr(admitted) == "<Admitted 3 from row 2>"


def test_never_more_rows_are_asked_for_than_there_is_room() -> None:
    admission = Admission(limit=HALF + 2)
    sizes: list[int] = []
    for size in admission.sizes():
        doubled = [f"user{number % (HALF - 1)}@{len(sizes)}" for number in range(size)]
        admission.admit_all(2, doubled)
        sizes.append(size)
    assert sizes == [HALF, 3]
    assert admission.full
    assert next(Admission().sizes()) == CHUNK
