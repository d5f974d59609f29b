"""Lines in columns: wrapped below themselves on a terminal, whole elsewhere, and nothing in them acts."""

import io

import pytest
from rich.console import Console

from bulkmail.cli.columns import below, line

TEXT = "12 mailboxes asked, the first, the last and some at random: 11 ok, 1 denied"


def printed(width: int, *, terminal: bool, text: str = TEXT) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)
    line(console, "WARN", "mailboxes", text)
    below(console, text)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_on_a_terminal_the_text_goes_on_below_itself() -> None:
    first, *more = printed(60, terminal=True)
    assert first.startswith("WARN   mailboxes    12 mailboxes asked")
    assert len(more) > 2
    assert all(one.startswith(" " * 20) and len(one) <= 60 for one in more)


@pytest.mark.parametrize(("width", "terminal"), [(60, False), (40, True)])
def test_elsewhere_and_where_there_is_no_room_each_line_is_whole(width: int, terminal: bool) -> None:
    assert printed(width, terminal=terminal) == [f"WARN   mailboxes    {TEXT}", f"{'':20}{TEXT}"]


def test_a_text_from_outside_does_not_act() -> None:
    assert "\x1b" not in "".join(printed(60, terminal=True, text="\x1b[31mred\x1b]0;title\x07 and more"))
