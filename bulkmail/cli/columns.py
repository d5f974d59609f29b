"""Lines of a state, a name and a text: on a terminal the text goes on below itself, elsewhere each line is whole."""

import textwrap

from rich.console import Console
from rich.text import Text

from bulkmail.text import visible

STATE, NAME = 7, 13
"""Characters of the first two columns."""

NARROW = 30
"""Characters that the text has to have for it to be wrapped; on a narrower terminal that is left to the terminal."""


def line(console: Console, state: str, name: str, text: str, *, style: str = "", dim: bool = False) -> None:
    """One line; `style` is that of the state."""
    first, *more = _wrapped(console, text)
    shown = Text(f"{state:<{STATE}}", style)
    shown.append(f"{name:<{NAME}}{first}", "dim" if dim else "default")
    console.print(shown, soft_wrap=True)
    for part in more:
        console.print(Text(f"{'':{STATE + NAME}}{part}", "dim" if dim else "default"), soft_wrap=True)


def below(console: Console, text: str, *, style: str = "") -> None:
    """What belongs to the line before."""
    for part in _wrapped(console, text):
        console.print(Text(f"{'':{STATE + NAME}}{part}", style or "default"), soft_wrap=True)


def _wrapped(console: Console, text: str) -> list[str]:
    room = console.width - STATE - NAME
    text = visible(text)
    if not console.is_terminal or room < NARROW:
        return [text]
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
