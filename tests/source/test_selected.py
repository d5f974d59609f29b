"""What a job leaves out of its list: each row is counted once, and the same rows come out at each reading."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.core.where import Where
from bulkmail.errors import ConfigError, InputError
from bulkmail.model import Counts, Mailbox, Rejected
from bulkmail.source.cells import MARK, Cells
from bulkmail.source.selected import Selected, Selection
from bulkmail.testing import collect, run
from tests.run.stage import ListSource

ROWS = st.lists(
    st.sampled_from(("Finance", "Sales", "", "blank", "invalid", "duplicate", "unclear")), min_size=1, max_size=60
)


def listed(kinds: list[str], chunk: int = 7) -> ListSource:
    rows: list[Mailbox | Rejected] = []
    for number, kind in enumerate(kinds, 2):
        if kind in ("blank", "invalid", "duplicate"):
            rows.append(Rejected(number, kind, ""))  # type: ignore[arg-type]
        else:
            exempt = "perhaps" if kind == "unclear" else "no"
            rows.append(Mailbox(f"m{number}@contoso.com", number, "", {"Department": kind, "Exempt": exempt}))
    return ListSource([rows[start : start + chunk] for start in range(0, len(rows), chunk)])


def excluding(*addresses: str) -> ListSource:
    return ListSource([[Mailbox(address, number, "") for number, address in enumerate(addresses, 2)]])


def read(source: Selected) -> list[Mailbox | Rejected]:
    return [row for chunk in run(collect(aiter(source))) for row in chunk]


def test_a_digest_is_a_seed() -> None:
    drawn = [read(Selected(listed(["x"] * 60), Selection(sample=10, seed=2**256 + one))) for one in (0, 1, 0)]
    assert drawn[0] == drawn[2] != drawn[1]


@settings(deadline=None)
@given(
    kinds=ROWS, where=st.sampled_from(("", "Department == 'Finance'", "not Exempt", "Department != ''")),
    skip=st.integers(0, 5), sample=st.integers(0, 8), seed=st.integers(0, 3), limit=st.integers(0, 6),
    excluded=st.sets(st.integers(2, 62), max_size=10),
)  # fmt: skip
def test_all_rows_add_up_and_every_reading_gives_the_same(
    kinds: list[str], where: str, skip: int, sample: int, seed: int, limit: int, excluded: set[int]
) -> None:
    excludes = [excluding(*(f"M{row}@contoso.com" for row in excluded))] if excluded else []
    selection = Selection(Where(where) if where else None, skip, sample, seed, limit, excludes)
    source = Selected(listed(kinds), selection, keep_columns=True)
    rows = read(source)
    counts = source.counts
    assert counts.rows == len(kinds)
    mailboxes = [row for row in rows if isinstance(row, Mailbox)]
    rejected = Counter(row.reason for row in rows if isinstance(row, Rejected))
    assert (len(mailboxes), source.size()) == (counts.unique, counts.unique)
    assert (counts.blank, counts.duplicates) == (rejected["blank"], rejected["duplicate"])
    assert counts.invalid == rejected["invalid"]
    assert len(rows) + counts.left_out == len(kinds)
    assert not {row.row for row in mailboxes} & excluded
    assert not (sample and len(mailboxes) > sample)
    assert not (limit and len(mailboxes) > limit)
    assert counts.skipped <= skip
    if where.startswith("Department =="):
        assert {row.columns["Department"] for row in mailboxes} <= {"Finance"}
    assert read(source) == rows
    assert source.counts == counts


def test_each_reason_has_its_own_count() -> None:
    kinds = ["Finance"] * 10 + ["Sales"] * 3
    selection = Selection(Where("Department == 'Finance'"), 2, 5, 1, 4, [excluding("m2@contoso.com", "x@contoso.com")])
    source = Selected(listed(kinds), selection)
    rows = read(source)
    assert source.counts == Counts(unique=4, excluded=1, unmatched=3, skipped=2, unsampled=2, beyond=1)
    assert [row.columns for row in rows if isinstance(row, Mailbox)] == [{}] * 4, "the task does not want columns"
    assert source.warnings == ("input.exclude lists 2 mailboxes, and 1 of the input are among them",)


def test_a_sample_does_not_depend_on_the_order_and_a_larger_one_holds_it() -> None:
    def drawn(sample: int, seed: int, *, backwards: bool = False) -> set[str]:
        rows = [Mailbox(f"m{number}@contoso.com", number) for number in range(200)]
        source = ListSource([rows[::-1] if backwards else rows])
        return {row.address for row in read(Selected(source, Selection(sample=sample, seed=seed))) if row}  # type: ignore[union-attr]

    assert drawn(20, 1) == drawn(20, 1, backwards=True) < drawn(50, 1)
    assert drawn(20, 1) != drawn(20, 2)
    assert len(drawn(300, 1)) == 200


def test_an_exception_is_known_by_any_address_of_the_row() -> None:
    rows: list[Mailbox | Rejected] = [
        Mailbox("ada@contoso.com", 2, "", {"PrimarySmtpAddress": "A.Lovelace@contoso.com", "Manager": "g@contoso.com"})
    ]
    for address, left in (("a.lovelace@contoso.com", 0), ("g@contoso.com", 1)):
        assert len(read(Selected(ListSource([rows]), Selection(excludes=[excluding(address)])))) == left


def test_a_list_of_exceptions_has_to_be_read_whole() -> None:
    broken = ListSource([[Rejected(3, "invalid", "ada", "is not an address")]])
    with pytest.raises(InputError, match="row 3 is not an address"):
        read(Selected(listed(["Finance"]), Selection(excludes=[broken])))


def test_a_column_that_no_row_has_is_told_with_the_likeliest() -> None:
    with pytest.raises(ConfigError, match="names the column 'Departmnt'") as caught:
        read(Selected(listed(["Finance"]), Selection(Where("Departmnt == 'Finance'"))))
    assert "Department" in (caught.value.hint or "")


def test_a_cell_that_says_neither_yes_nor_no_rejects_its_row() -> None:
    (row,) = read(Selected(listed(["unclear"]), Selection(Where("not Exempt"))))
    assert isinstance(row, Rejected)
    assert "neither yes nor no" in row.why


def test_a_cell_that_could_not_be_read_rejects_its_row_if_it_is_asked_for() -> None:
    cells = Cells({"Department": f"Fin{MARK}nce", "Exempt": "no"})
    rows: list[Mailbox | Rejected] = [Mailbox("ada@contoso.com", 2, "", cells)]
    (row,) = read(Selected(ListSource([rows]), Selection(Where("Department == 'Finance'"))))
    assert isinstance(row, Rejected)
    assert "could not be read" in row.why
    assert len(read(Selected(ListSource([rows]), Selection(Where("not Exempt"))))) == 1
