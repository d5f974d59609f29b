import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bulkmail.source.address import LONGEST, are_addresses, clean, fault, id_in, is_address, is_id, parts

GUID = "0f2e9c1a-7b64-4c58-9d3e-5a1b2c3d4e5f"


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        ("ada@contoso.com", "ada@contoso.com"),
        ("  ada@contoso.com\t", "ada@contoso.com"),
        ("\u00a0ada@contoso.com\u200b", "ada@contoso.com"),
        ('"ada@contoso.com"', "ada@contoso.com"),
        ("'ada@contoso.com", "ada@contoso.com"),
        ("\u201cada@contoso.com\u201d", "ada@contoso.com"),
        ("SMTP:ada@contoso.com", "ada@contoso.com"),
        ("smtp: ada@contoso.com", "ada@contoso.com"),
        ("mailto:ada@contoso.com", "ada@contoso.com"),
        ("<ada@contoso.com>", "ada@contoso.com"),
        ("Ada Example <ada@contoso.com>", "ada@contoso.com"),
        ('"Example, Ada" <SMTP:ada@contoso.com> ', "ada@contoso.com"),
        (" " + GUID, GUID),
        ("#ada@contoso.com", "#ada@contoso.com"),
        ("ada@contoso.com <ada@contoso.com>", "ada@contoso.com"),
        ("'ada@contoso.com' <Ada@contoso.com>;", "Ada@contoso.com"),
        ("ada@contoso.com; ", "ada@contoso.com"),
        (" ' ", ""),
        (" ;, ", ""),
        ("<>", ""),
    ],
)
def test_what_surrounds_an_address_is_taken_off(cell: str, address: str) -> None:
    assert clean(cell) == address
    assert not address or not fault(address)


@pytest.mark.parametrize(
    "address",
    [
        "o'neil@contoso.com",
        "ada_fabrikam.com#EXT#@contoso.onmicrosoft.com",
        "ada+lists@contoso.com",
        "zoë@münchen.example",
        "用户@例え.テスト",
        "a" * (LONGEST - 10) + "@b.example",
        GUID,
        GUID.upper(),
    ],
)
def test_addresses_of_every_script_and_ids_pass(address: str) -> None:
    assert fault(clean(address)) == ""


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("ada", "no @"),
        ("../users/ada", "no @"),
        ("ada@contoso.com/messages", "/ \\"),
        ("../ada@contoso.com", "/ \\"),
        ("ada@contoso.com?$filter=x", "/ \\"),
        ("ada%40b@contoso.com", "/ \\"),
        ("a\\da@contoso.com", "/ \\"),
        ("ada@contoso.com;bob@contoso.com", "more than one @"),
        ("ada@@contoso.com", "more than one @"),
        ("x@y <ada@contoso.com>", "more than one @"),
        ("ada lovelace@contoso.com", "space"),
        ("ada\x00@contoso.com", "control"),
        ("ada\x1b[31m@contoso.com", "control"),
        ("ada\u202emoc@contoso.com", "invisible"),
        ("a\ufffdda@contoso.com", "UTF-8"),
        (f"a{chr(0xDCE9)}da@contoso.com", "UTF-8"),
        ("@contoso.com", "name@domain"),
        ("ada@", "name@domain"),
        ("ada@contoso..com", "name@domain"),
        ("ada@.com", "name@domain"),
        ("a" * LONGEST + "@b.example", f"{LONGEST} characters"),
        ("b217bff20aaf1302f67ed73a7c1a2b3c", "concealed name"),
        ("B217BFF20AAF1302F67ED73A7C1A2B3C", "concealed name"),
        ("# retired", "no @"),
        (GUID[:-1], "no @"),
    ],
)
def test_what_cannot_be_an_address_is_told_why(cell: str, why: str) -> None:
    assert why in fault(clean(cell))


@given(st.text(max_size=40) | st.from_regex(r"[\w'#./?@ ]{0,12}@[\w.@-]{0,12}", fullmatch=True))
@example("'a@b")
@example("#a@b")
@example("#a@b;")
def test_cleaning_settles_and_the_quick_way_agrees_with_the_slow_one(text: str) -> None:
    bare = clean(text)
    if bare and not fault(bare):
        assert clean(bare) == bare
        assert is_address(bare) or is_id(bare)
        assert not set(bare) & set("/\\?% \t\n\0<>")
    if is_address(text):
        assert bare == text


def test_no_white_space_of_any_kind() -> None:
    spaces = [space for space in map(chr, range(sys.maxunicode + 1)) if space.isspace()]
    assert len(spaces) >= 29
    assert [space for space in spaces if is_address(f"a{space}b@x") or is_address(f"a@x{space}y")] == []


@given(
    st.lists(
        st.sampled_from(["a@x", "\u00e9@x.y", "a@x\nb@y", "a@x\n", "\n", "", "a@x.", "x" * LONGEST + "@y"])
        | st.text()
        | st.text("ab.@'#-", min_size=3)
    )
)
def test_many_are_addresses_if_each_is(texts: list[str]) -> None:
    assert are_addresses(texts) == all(is_address(text) and not text.startswith("#") for text in texts)


@pytest.mark.parametrize(
    "text",
    [GUID, f"{{{GUID}}}", f"({GUID})", GUID.replace("-", ""), f" '{GUID}'", f"{{{GUID.replace('-', '')}}}"],
)
def test_ids_however_they_are_written(text: str) -> None:
    assert id_in(text) == GUID
    assert id_in(text.upper()) == GUID.upper()


@pytest.mark.parametrize("text", ["", "4711", GUID[:-1], f"{{{GUID}", f"{GUID}-0", "ada@contoso.com"])
def test_what_is_not_an_id(text: str) -> None:
    assert id_in(text) == ""


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("", []),
        (" ; ,; ", []),
        ("a@x", ["a@x"]),
        ("a@x; b@x,c@x;", ["a@x", "b@x", "c@x"]),
        ("Narrows, Sedge <a@x>; Kelp Lagoon <b@x>;", ["a@x", "b@x"]),
        ("Ahorn, Anna <a@x>", ["a@x"]),
        ("Ahorn, Anna <a@x>, Birch, Ben <b@x>", ["a@x", "b@x"]),
        ("a@x, Birch, Ben <b@x>", ["a@x", "b@x"]),
        ("'a@x' <a@x>; \"Birch; Ben\" <b@x>", ["a@x", "b@x"]),
        ("a@x, nobody, b@x", ["a@x", "nobody", "b@x"]),
        ("evil@x <a@x>", ["evil@x <a@x>"]),
    ],
)
def test_addresses_as_a_mail_program_writes_them(text: str, addresses: list[str]) -> None:
    assert [clean(part) for part in parts(text)] == addresses


@given(st.text(st.sampled_from("ab@x.,;<>\"' "), max_size=30))
def test_parts_never_invent_and_stay_as_they_are(text: str) -> None:
    for part in parts(text):
        assert part in text
        assert list(parts(part)) == [part] or not is_address(part)
