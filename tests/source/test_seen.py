"""`Seen` is a set of texts without case, whether there are few of them or many."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.source import Seen
from bulkmail.source.seen import _LAST, _blake

ROOM = st.integers(0, 8)
NAMES = st.integers(0, 30).flatmap(
    lambda number: st.sampled_from([f"user{number}@x", f"User{number}@x", f"ß{number}@x"])
)


@given(st.lists(st.text(max_size=3)), ROOM)
def test_it_is_a_set_without_case(texts: list[str], room: int) -> None:
    seen, model = Seen(room), set[str]()
    for text in texts:
        assert (text in seen) == (text.casefold() in model)
        assert seen.add(text) == (text.casefold() not in model)
        assert text in seen
        model.add(text.casefold())
    assert len(seen) == len(model)


@given(st.lists(st.lists(NAMES, max_size=5)), ROOM)
def test_many_are_added_as_one_after_the_other(groups: list[list[str]], room: int) -> None:
    plain, together = Seen(room), Seen(room)
    for group in groups:
        expected = [place for place, text in enumerate(group) if not plain.add(text)]
        assert together.add_all(group) == expected
        assert len(together) == len(plain)


@pytest.mark.parametrize("room", [0, 20_000, 50_000])
def test_it_keeps_many_apart(room: int) -> None:
    seen = Seen(room)
    texts = [f"user{number}@contoso.com" for number in range(50_000)]
    random.Random(1).shuffle(texts)
    assert all(map(seen.add, texts))
    assert not any(map(seen.add, texts))


def test_the_stand_in_for_a_short_hash_has_64_bits_and_tells_texts_apart() -> None:
    numbers = {_blake(f"user{number}@contoso.com") for number in range(10_000)}
    assert len(numbers) == 10_000
    assert -_LAST - 1 <= min(numbers) < -_LAST >> 4
    assert _LAST >> 4 < max(numbers) <= _LAST
    assert _blake("a@x") == _blake("a@x")
