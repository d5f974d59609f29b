"""The sizes of messages: between the ends, and around a typical one as in a real mailbox."""

from statistics import mean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.sim import Settings
from bulkmail.sim.families.messages.content import size
from bulkmail.sim.tenant.seeded import share

LEAST, TYPICAL, MOST = 1000, 30_000, 20_000_000


@given(place=st.floats(0, 1, exclude_max=True), typical=st.sampled_from([0, LEAST, TYPICAL, MOST]))
def test_none_is_beyond_the_ends(place: float, typical: int) -> None:
    assert LEAST <= size(LEAST, typical, MOST, place) <= MOST


def test_of_a_hundred_thousand_around_a_typical_one_both_ends_are_reached() -> None:
    found = [size(LEAST, TYPICAL, MOST, share(1, number)) for number in range(100_000)]
    assert (min(found), max(found)) == (LEAST, MOST)
    assert median(found) == pytest.approx(TYPICAL, rel=0.05)
    assert 100_000 < mean(found) < 200_000
    assert sum(one > 10_000_000 for one in found) > 30


@pytest.mark.parametrize("typical", [500, 2_000_000])
def test_a_typical_size_lies_between_the_ends(typical: int) -> None:
    with pytest.raises(ValueError, match="typical"):
        Settings(typical_item=typical, largest_item=1_000_000)
