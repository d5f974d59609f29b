"""A name from a mailbox becomes one safe file, and different names become different files."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bulkmail.sink.names import LONGEST, safe_name


@pytest.mark.parametrize("name", ["inbox.mbox", "ada@contoso.com", "2024-01_a+b", "a.tar.gz"])
def test_a_safe_name_stays(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", r"etc_passwd-[0-9a-f]{12}"),
        ("..", r"file-[0-9a-f]{12}"),
        ("", r"file-[0-9a-f]{12}"),
        ("RE: Angebot?.eml", r"re_angebot-[0-9a-f]{12}\.eml"),
        ("Ünicode.eml", r"nicode-[0-9a-f]{12}\.eml"),
        ("con", r"file-[0-9a-f]{12}"),
        ("nul.txt", r"file-[0-9a-f]{12}\.txt"),
        ("COM1", r"file-[0-9a-f]{12}"),
        ("Lpt9.a.b", r"file-[0-9a-f]{12}\.b"),
        ("CONIN$", r"conin-[0-9a-f]{12}"),
        ("com¹", r"file-[0-9a-f]{12}|com-[0-9a-f]{12}"),
        ("nul .txt", r"file-[0-9a-f]{12}\.txt"),
        ("mail.txt:stream", r"mail.txt_stream-[0-9a-f]{12}"),
        ("C:\\Windows\\win.ini", r"c_windows_win-[0-9a-f]{12}\.ini"),
        ("ends ", r"ends-[0-9a-f]{12}"),
        (".hidden", r"file-[0-9a-f]{12}\.hidden"),
        ("ends.", r"ends-[0-9a-f]{12}"),
        ("a\0b\nc", r"a_b_c-[0-9a-f]{12}"),
        ("x" * 300 + ".eml", r"x{76}-[0-9a-f]{12}\.eml"),
    ],
)
def test_any_other_is_altered_and_gets_a_digest(name: str, kept: str) -> None:
    assert re.fullmatch(kept, safe_name(name))


@example(" ")
@example("com1.a.b")
@example("-")
@given(st.text(max_size=200))
def test_every_name_is_safe(name: str) -> None:
    safe = safe_name(name)
    assert re.fullmatch(r"[a-z0-9_@+][a-z0-9._@+-]*", safe)
    assert len(safe) <= LONGEST
    assert not safe.endswith(".")
    assert not re.fullmatch(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", safe)


@given(st.text(max_size=30), st.text(max_size=30))
def test_names_that_differ_in_more_than_case_are_different_files(one: str, other: str) -> None:
    assert (safe_name(one) == safe_name(other)) == (one.lower() == other.lower())
