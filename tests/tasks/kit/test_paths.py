"""A path says which names it was made of, whatever these hold."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.tasks.kit.paths import escaped, joined, parted
from bulkmail.text import UNSEEN

NAMES = st.lists(
    st.text(st.one_of(st.sampled_from("ab/\\u0U1\t\n\u202e\U000e0001"), st.characters())), min_size=1, max_size=6
)


@given(NAMES)
def test_names_come_back(names: list[str]) -> None:
    path = joined(names)
    assert parted(path) == names
    assert not re.search(f"[{UNSEEN}]", path)


@given(NAMES, NAMES)
def test_two_paths_are_alike_only_if_their_names_are(names: list[str], others: list[str]) -> None:
    assert (joined(names) == joined(others)) == (names == others)


@given(st.text())
def test_any_text_is_a_path(text: str) -> None:
    assert parted(joined(parted(text))) == parted(text)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("Inbox/Projects", ["Inbox", "Projects"]),
        (r"Inbox/A\/B", ["Inbox", "A/B"]),
        (r"a\b\\c", ["a\\b\\c"]),
        (r"a\u0009b", ["a\tb"]),
        (r"a\\u0009b", [r"a\u0009b"]),
        (r"\U000e0001", ["\U000e0001"]),
        (r"\U00200000", [r"\U00200000"]),  # beyond Unicode
        ("/a//", ["", "a", "", ""]),
        ("", [""]),
        ("a\\", ["a\\"]),
    ],
)
def test_what_a_path_says(path: str, names: list[str]) -> None:
    assert parted(path) == names


def test_what_is_not_seen_is_written() -> None:
    assert escaped("a\x1b[31m/\\\ud800") == r"a\u001b[31m\/\\\ud800"
