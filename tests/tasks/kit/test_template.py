"""Placeholders are filled from the row, and what is none stays as it is."""

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import InputError
from bulkmail.tasks.kit.template import checked, fill, has_holes, names_in
from tests.tasks.rig import ADA

ROW = ADA._replace(columns={"First Name": "Ada", "Größe": "<1 & 2>", "Blank": ""})


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("no holes", "no holes"),
        ("Dear {First Name}, {first name}{ FIRST NAME }", "Dear Ada, AdaAda"),
        ("{mailbox}: {GRÖSSE}|{Blank}|", "ada@example.com: <1 & 2>||"),
        ("{{First Name}} and {{anything}}", "{First Name} and {anything}"),
        ("p { color: red } @media x{p{a:b}} {} { } {a;b} {\n}", "p { color: red } @media x{p{a:b}} {} { } {a;b} {\n}"),
    ],
)
def test_filled(text: str, filled: str) -> None:
    assert fill(text, ROW) == filled
    assert has_holes(text) == (text != filled)


def test_cells_are_written_as_they_have_to_be() -> None:
    assert fill("<b>{größe}</b>", ROW, escape) == "<b>&lt;1 &amp; 2&gt;</b>"


def test_the_columns_that_a_text_asks_for() -> None:
    assert names_in("{ First Name }{B} {{not}} {B} p { a: b }") == ["First Name", "B"]


@pytest.mark.parametrize("text", ["x {Name", "x Name}", "{A} and {B", "{{A}} {", "a } b"])
def test_a_brace_without_its_partner_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a brace without its partner"):
        checked(text)


@pytest.mark.parametrize("text", ["", "{A}", "{{A}}", "p { color: red } {A}"])
def test_braces_in_pairs_are_fine(text: str) -> None:
    assert checked(text) == text


def test_an_unknown_column_is_an_error_that_tells_the_known_ones() -> None:
    with pytest.raises(InputError) as caught:
        fill("Dear {Fist Name}", ROW)
    assert str(caught.value) == "row 2 has no column 'Fist Name'; it has mailbox, First Name, Größe, Blank"
    assert "{{Fist Name}}" in caught.value.hint


@given(cell=st.text())
def test_a_cell_is_never_filled_itself(cell: str) -> None:
    assert fill("<{x}>", ADA._replace(columns={"x": cell})) == f"<{cell}>"
