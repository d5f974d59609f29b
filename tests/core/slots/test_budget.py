"""Rolling budgets, told the time."""

from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.slots.budget import Budgets, Rolling

steps = st.lists(st.tuples(st.floats(0, 40), st.integers(1, 50)), max_size=80)


@given(steps, st.integers(50, 120))
def test_a_budget_is_never_exceeded_in_any_window(asked: list[tuple[float, int]], limit: int) -> None:
    rolling, now = Rolling(limit, 60), 0.0
    spent: list[tuple[float, int]] = []
    for pause, amount in asked:
        now = max(now + pause, rolling.ready(amount, now + pause))
        assert rolling.ready(amount, now) <= now
        rolling.spend(amount, now)
        spent.append((now, amount))
        assert sum(old for at, old in spent if at > now - 60) <= limit


@given(steps)
def test_a_budget_does_not_wait_where_a_margin_is_left(asked: list[tuple[float, int]]) -> None:
    rolling, now = Rolling(100, 60), 0.0
    spent: list[tuple[float, int]] = []
    for pause, amount in asked:
        now += pause
        fits = sum(old for at, old in spent if at > now - 60 - 2 * rolling.cell) + amount <= 100
        assert not fits or rolling.ready(amount, now) <= now
        if rolling.ready(amount, now) <= now:
            rolling.spend(amount, now)
            spent.append((now, amount))


def test_more_than_the_limit_fits_into_an_empty_budget_only() -> None:
    rolling = Rolling(100, 60)
    assert rolling.ready(500, 0.0) <= 0.0
    rolling.spend(500, 0.0)
    assert rolling.ready(500, 1.0) == 62.0
    assert rolling.ready(1, 1.0) == 62.0
    assert rolling.ready(500, 62.0) <= 62.0
    assert repr(rolling) == "<Rolling 0 of 100 in 60 s>"


def test_cells_do_not_pile_up() -> None:
    rolling = Rolling(1e9, 60)
    for step in range(10_000):
        rolling.ready(1, step * 0.1)
        rolling.spend(1, step * 0.1)
    assert len(rolling.cells) <= 32


def test_an_empty_budget_is_empty_from_now_on() -> None:
    rolling = Rolling(10, 60)
    assert rolling.empty_from(5.0) == 5.0
    rolling.spend(1, 5.0)
    assert rolling.empty_from(6.0) == 67.0


def test_the_budgets_of_a_mailbox_show_what_is_kept() -> None:
    budgets = Budgets()
    budgets.spend(0.0, 0, 500, 1)
    assert repr(budgets) == "<Budgets [<Rolling 500 of 140000000 in 300 s>, <Rolling 1 of 30 in 60 s>]>"
