"""What an expression means, what it refuses, and that nothing in it is ever run."""

from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.where import LONGEST, Unclear, Where, cells, unknown

ADA = {"Department": "Finance ", "Exempt": "False", "Size": "120", "Display name": "Ada", "Since": "2024-03-01"}


def is_meant(text: str, columns: Mapping[str, str] = ADA) -> bool:
    return Where(text)(cells(columns, {"mailbox": "ada@contoso.com", "id": ""}))


@pytest.mark.parametrize(
    "text",
    [
        "Department == 'Finance' and not Exempt",
        "department == 'FINANCE'",
        "Department != 'Sales' and Department in ('Sales', 'Finance')",
        "Department in ['finance']",
        "Department not in {'Sales'}",
        "'nan' in Department",
        "Size > 99 and Size >= 120 and Size < 1e3 and Size <= 120.0 and Size != 121",
        "Size > '99'",  # both are numbers
        "0 < Size < 1000 and Size > -1",
        "Exempt == False",
        "Exempt == 'false'",
        "Since < '2024-04'",
        "column('Display name') == 'Ada'",
        "startswith(Department, 'fin') and endswith(mailbox, '@contoso.com')",
        "not (Exempt or Department == 'Sales')",
        "Nowhere == ''",
        "not Nowhere",
        "id == ''",
    ],
)
def test_what_ada_is(text: str) -> None:
    assert is_meant(text)
    assert not is_meant(f"not ({text})")


@pytest.mark.parametrize("text", ["Department > 5", "Department < 5", "Department == 5", "Size in ('12', 0)"])
def test_a_text_is_no_number(text: str) -> None:
    assert not is_meant(text)


@pytest.mark.parametrize(("cell", "said"), [("yes", True), (" TRUE ", True), ("1", True), ("no", False), ("", False)])
def test_a_cell_by_itself_says_yes_or_no(cell: str, said: bool) -> None:
    assert is_meant("Exempt", {"Exempt": cell}) is said


def test_a_cell_that_says_neither_is_not_guessed_at() -> None:
    with pytest.raises(Unclear, match="Exempt is 'perhaps', which is neither yes nor no"):
        is_meant("not Exempt", {"Exempt": "perhaps"})


@pytest.mark.parametrize(
    "text",
    [
        "", "a =", "a = 1", "a b", "a.b", "a[0]", "a()", "__import__('os').system('true')", "(lambda: 1)()", "1 + a",
        "a if b else c", "f'{a}'", "a is b", "b'x' == a", "[x for x in y]", "(a := 1)", "a == None", "a == ...",
        "'a' * 9", "startswith(a)", "startswith(a, b, c)", "startswith(a, text='x')", "column(a)", "column(*a)", "*a",
        "await a", "a == 1e16", "a == 9999999999999999", "~a", "not " * 50 + "a", "(" * 300 + "a" + ")" * 300, "a\0b",
        "a or " * LONGEST, "\ud800 == 1",
    ],
)  # fmt: skip
def test_all_else_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"not understood|not an expression|longer than"):
        Where(text)


@given(st.text(alphabet="aB '\"()[]{}=<>!.,:-+*0159notandri_\\", max_size=40))
def test_any_text_is_an_expression_or_is_refused(text: str) -> None:
    try:
        where = Where(text)
    except ValueError:
        return
    with suppress(Unclear):
        where(lambda _: "x")


def test_the_columns_that_are_not_there() -> None:
    where = Where("Departement == 'a' or mailbox == 'b' or column('C d')")
    assert where.names == ("Departement", "mailbox", "C d")
    assert unknown(where, ["mailbox", "department", "c D"]) == ["Departement"]


def test_it_shows_its_text() -> None:
    assert repr(Where("A == 'b'")) == "<Where A == 'b'>"
