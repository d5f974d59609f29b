"""One fence, told the time."""

from bulkmail.core.slots.fence import Fence


def test_requests_that_flew_together_are_refused_once() -> None:
    fence = Fence()
    assert fence.met(1.0, 1.5) == 1
    fence.rise(3.0)
    assert fence.met(1.1, 1.6) == 1
    fence.passed(1.2)  # left together with those, and was let through: tells nothing about the time after
    assert fence.met(3.0, 3.5) == 2
    fence.rise(6.0)
    fence.passed(6.5)
    assert fence.met(7.0, 7.5) == 1
    assert repr(fence) == "<Fence until 6.0 after 1 refusals>"


def test_a_wait_counts_from_the_first_of_the_refusals_in_a_row() -> None:
    fence = Fence()
    assert fence.wait(0.0) == 0.0
    fence.rise(5.0)
    assert fence.wait(2.0) == 3.0, "not refused: a 503 that names a time"
    fence.met(5.0, 6.0)
    fence.rise(16.0)
    assert fence.wait(6.0) == 10.0
    assert fence.wait(9.0) == 10.0
    fence.met(16.0, 17.0)
    fence.rise(27.0)
    assert fence.wait(17.0) == 21.0
    assert fence.wait(27.0) == 0.0
    fence.passed(27.0)
    fence.met(28.0, 29.0)
    fence.rise(39.0)
    assert fence.wait(29.0) == 10.0
