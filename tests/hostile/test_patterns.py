"""Each pattern that sees a text from outside costs in proportion to it: twice the text, twice the steps."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bulkmail import text
from bulkmail.core import odata, retryafter, throttle
from bulkmail.identity import refusal
from bulkmail.sink import formula
from bulkmail.source import address
from tests.hostile.steps import steps

SEARCHED = [
    text._UNSEEN, text._JWT, text._BEARER, text._OPAQUE, refusal._CODE, odata._SENDS, odata._TOP, odata._STRANGE,
    throttle._LIMIT,
]  # fmt: skip
MATCHED = [
    refusal._SENTENCE, odata._OWNER, odata._REQUEST_ID, odata._ADDRESS, odata._PLAIN, retryafter.SECONDS,
    formula._RISKY, address._ADDRESS,
]  # fmt: skip
PIECES = (
    " ", "a", "9", ".", "'", '"', "-", "%2e", "a ", "a.", "its ", "bearer ", "eyJ", "eyJaaaaaaaaa.", "AADSTS",
    "AADSTS1",
    "/users('", "/send", "&$top=", "a@", "'\u200b", "\u200b", "a" * 40 + " ", "a" * 79 + " ",
)  # fmt: skip


@contextmanager
def deep() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def growth(pattern: re.Pattern[str], piece: str, *, anchored: bool, size: int = 600) -> float:
    """How many times the steps there are for twice the text, which in the end does not match."""
    once = piece * (size // len(piece))
    with deep():
        few, many = (steps(pattern, f"{one}\x00", anchored=anchored) for one in (once, once * 2))
    return many / max(few, 50)


@pytest.mark.parametrize("anchored", [False, True], ids=["search", "match"])
def test_twice_the_text_takes_twice_the_steps(anchored: bool) -> None:
    slow = {
        (pattern.pattern, piece): factor
        for pattern in (MATCHED if anchored else SEARCHED)
        for piece in PIECES
        if (factor := growth(pattern, piece, anchored=anchored)) > 2.5
    }
    assert slow == {}


def test_the_counter_finds_what_is_slow() -> None:
    assert growth(re.compile(r"\s*AADSTS(\d+)"), " ", anchored=False, size=100) > 3.5
