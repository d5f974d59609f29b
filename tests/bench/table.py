"""Tables of figures, each beside its goal where it has one. Knows nothing of what is measured.

A goal is written as it is printed: `≥ 93 %`, `≤ 20`, `= 0`; a cell that misses its goal says so.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.measure import Measured, Scenario

Cells = Mapping[str, str]
"""Column to figure, as text."""

_FIGURE = re.compile(r"-?[0-9][0-9,]*(?:\.[0-9]+)?")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "≥": lambda value, goal: value >= goal,
    "≤": lambda value, goal: value <= goal,
    "=": lambda value, goal: value == goal,
}


@dataclass(frozen=True, slots=True)
class Group:
    """One table. `cells` makes a row of a run and of those before it in the same table; `note` explains the figures."""

    name: str
    title: str
    cells: Callable[[Measured, Sequence[Measured]], Cells]
    scenarios: Sequence[Scenario]
    note: str = ""


def number(text: str) -> float:
    """The first figure in a cell or a goal."""
    found = _FIGURE.search(text)
    return float(found[0].replace(",", "")) if found else float("nan")


def meets(cell: str, goal: str) -> bool:
    """Whether a figure, as it is printed, is as good as its goal."""
    return _COMPARE[goal[0]](number(cell), number(goal))


def heading(cells: Cells) -> list[str]:
    return [f"| {' | '.join(cells)} |", "|---|" + "---:|" * (len(cells) - 1)]


def row(cells: Cells, goals: Mapping[str, str]) -> str:
    """A line of the table, goals in brackets."""
    return f"| {' | '.join(_cell(cell, goals.get(column, '')) for column, cell in cells.items())} |"


def _cell(cell: str, goal: str) -> str:
    if not goal:
        return cell
    return f"{cell} ({goal})" if meets(cell, goal) else f"**{cell}** ({goal}: MISSED)"
