"""Makes `failed.csv` from the outcomes when a run has ended: the mailboxes that did not end well, as input for the next
run, with the cells that their rows had.

The cells come from the journal of outcomes and not from the list: that may have been edited since, or be a stream.
That of a masked run has digests in it, and is not an input: there the mailboxes are run again by the run's own
directory.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from bulkmail import atomic
from bulkmail.core.mask import Mask
from bulkmail.model import Outcome, Row
from bulkmail.rundir.entries import WELL
from bulkmail.rundir.folder import FAILED
from bulkmail.rundir.reader import RunDir
from bulkmail.sink import Csv
from bulkmail.sink.appender import os_errors_as_output_error
from bulkmail.source.failures import COLUMNS, NO_CELL

BLOCK = 1024
"""Rows held at a time."""


def drop_failed(folder: Path) -> Path:
    """Removes the file of an earlier process, if there is one. Returns where it lay. Raises OutputError. Blocks."""
    failed = folder / FAILED
    with os_errors_as_output_error(failed):
        failed.unlink(missing_ok=True)
    return failed


def write_failed(
    run: RunDir, *, bom: bool = False, delimiter: str = ",", own_columns: bool = True, mask: Mask | None = None
) -> int:  # fmt: skip
    """Rows written; with none there is no file, and one of an earlier process goes. Whole or not at all.

    Without `own_columns`, the cells of the rows are left out: those of an undo are the changes that it takes back.
    Raises OutputError and Damaged. Blocks: call it in a thread.
    """
    failed = drop_failed(run.path)
    columns, own = (dict.fromkeys(one.mailbox.columns) for one in _failed(run)), dict[str, None]()
    if (found := next(columns, None)) is None:  # one pass over the journal then: it has millions of entries
        return 0
    for cells in chain([found], columns) if own_columns else ():
        own |= cells
    names = list(own)
    rows = (_row(one if mask is None else _masked(one, mask), names) for one in _failed(run))
    first = list(islice(rows, BLOCK))
    header = Csv([*COLUMNS, *names], bom=bom, delimiter=delimiter).header
    encode = _encoder(len(COLUMNS) + len(names), delimiter)
    written = 0
    with atomic.replacing(failed) as file:
        file.write(header)
        while first:
            file.write(b"".join(map(encode, first)))
            written += len(first)
            first = list(islice(rows, BLOCK))
    return written


def _encoder(width: int, delimiter: str) -> Callable[[Row], bytes]:
    """Rows by the places of their cells, since names may be there twice. Readers skip blanks in front of a cell, unless
    it is in quotes."""
    places = [*map(str, range(width))]
    plain, quoted = Csv(places, delimiter=delimiter), Csv(places, delimiter=delimiter, quote_all=True)

    def encode(row: Row) -> bytes:
        blank = any(isinstance(cell, str) and cell.startswith(" ") for cell in row.values())
        return (quoted if blank else plain).encode([row])

    return encode


def _failed(run: RunDir) -> Iterator[Outcome]:
    return (outcome for _, (outcome, _) in run.committed(but_ok=True) if outcome.status not in WELL)


def _masked(outcome: Outcome, mask: Mask) -> Outcome:
    mailbox, problem = outcome.mailbox, outcome.problem
    cells = {name: mask.text(cell) for name, cell in mailbox.columns.items()}
    return outcome._replace(
        mailbox=mailbox._replace(address=mask(mailbox.address), id="", columns=cells),
        problem=problem and replace(problem, message=mask.text(problem.message)),
    )


def _row(outcome: Outcome, own: Sequence[str]) -> Row:
    """A cell for each column, by its place."""
    mailbox, problem, cells = outcome.mailbox, outcome.problem, dict(outcome.mailbox.columns.items())
    texts = ("", "", "") if problem is None else (problem.code, problem.message, problem.request_id)
    values = (mailbox.address, mailbox.id, mailbox.row, outcome.status, *texts)
    return {str(place): value for place, value in enumerate((*values, *(cells.get(name, NO_CELL) for name in own)))}
