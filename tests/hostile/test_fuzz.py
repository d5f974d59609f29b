"""A short slice of the fuzzing; `make fuzz MINUTES=60` goes on from round to round."""

import pytest

from tests.hostile.fuzz import play

ROUNDS = 300


@pytest.mark.parametrize("slice_", range(3))
def test_no_reader_raises_what_it_does_not_document(slice_: int) -> None:
    for number in range(slice_ * ROUNDS, (slice_ + 1) * ROUNDS):
        play(number)
