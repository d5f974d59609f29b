"""Checks the texts of a job against the heading of its list before anything starts: a column that is not there would
fail in every mailbox."""

from collections.abc import Callable, Iterable, Sequence

from bulkmail.errors import ConfigError
from bulkmail.model import Mailbox, Rejected
from bulkmail.task.declare import Options
from bulkmail.tasks.kit.template import names_in
from bulkmail.text import likeliest

MAILBOX = "mailbox"
"""The name that stands for the address in every list."""

_SHOWN = 12


def asked(options: Options) -> dict[str, str]:
    """Columns that the texts of a job ask for, each to the option that does."""
    return {
        name: option for option, text in options.templates().items() for name in names_in(text)
        if name.casefold() != MAILBOX
    }  # fmt: skip


def collecting(names: set[str]) -> Callable[[Sequence[Mailbox | Rejected]], None]:
    """Adds the columns of each mailbox that it is shown to `names`: a row that is short does not have all."""

    def look(chunk: Sequence[Mailbox | Rejected]) -> None:
        names.update(*(row.columns for row in chunk if isinstance(row, Mailbox)))

    return look


def require_columns(options: Options, names: Iterable[str], source: str) -> None:
    """Raises ConfigError, which names the option, the column and what the list has."""
    there = sorted(names)
    known = {name.casefold() for name in there}
    for name, option in asked(options).items():
        if name.casefold() not in known:
            near = likeliest(name, there)
            listed = ", ".join([MAILBOX, *there][:_SHOWN])
            raise ConfigError(
                f"task.{option} names {{{name}}}; {source} has {listed}",
                hint=f"Did you mean {{{near}}}?" if near else f"Write {{{{{name}}}}} where braces are meant as such.",
            )
