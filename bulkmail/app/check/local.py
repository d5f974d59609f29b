"""What a job says by itself: its task and options, and the list that it names. Needs no network."""

import os
from collections.abc import Sequence

from bulkmail.app.check.seen import Seen
from bulkmail.app.finding import Finding, passed, skipped, warned
from bulkmail.app.input import file_source, survey
from bulkmail.app.prepare import KEYS_LOGGED
from bulkmail.app.templates import asked, collecting, require_columns
from bulkmail.model import Counts, Mailbox, Rejected
from bulkmail.source.largest import require_sizes
from bulkmail.text import counted, one_line

MODES = {"read": "reads", "plan": "would plan", "drift": "would plan, and tell drift", "apply": "WOULD APPLY"}


async def look_at_job(seen: Seen) -> Finding:
    job = seen.job
    text = f"{one_line(str(job.path))}: {seen.task.name}, {MODES[seen.mode]}"
    notes = [*job.notes, *seen.options.warnings(), *([KEYS_LOGGED] if os.environ.get("SSLKEYLOGFILE") else ())]
    if notes:
        return warned(text, "; ".join(map(one_line, notes)), task=seen.task.name, mode=seen.mode)
    return passed(text, task=seen.task.name, mode=seen.mode)


async def look_at_input(seen: Seen) -> Finding:
    """Reads the list to its end, as the run will, and keeps a sample of its mailboxes."""
    as_listed = seen.job.input.model_copy(update={"order": "listed"})
    source = file_source(as_listed, keep_columns=seen.task.wants_columns)
    if source is None:
        return passed("no list: the directory is asked, see directory")
    if not source.replayable:
        return skipped("it can be read once only, and that is for the run")
    names = set[str]()
    collect = collecting(names)

    def look(chunk: Sequence[Mailbox | Rejected]) -> None:
        seen.sample.look(chunk)
        collect(chunk)

    seen.mailboxes = await survey(source, empty_is_ok=seen.job.output.empty_is_ok, look=look)
    wanted = asked(seen.options)
    if seen.mailboxes:
        require_columns(seen.options, names, source.name)
        if seen.job.input.size_column:
            require_sizes(seen.job.input.size_column, names, source.name)
    columns = getattr(source, "columns", ())  # not every source has columns
    column = f", column {columns[0]}" if columns else ""
    found = f"; it has the columns of the texts: {', '.join(wanted)}" if wanted else ""
    text = f"{one_line(source.name)}: {_counted(source.counts)}{_ends(seen)}{column}{found}"
    facts = {"mailboxes": seen.mailboxes, **_facts(source.counts, seen)}
    rejected = source.counts.blank + source.counts.invalid
    if rejected > seen.job.limits.max_rejected * source.counts.rows:
        return warned(text, "Most rows name no mailbox: is it the right file, and the right input.column?", **facts)
    return passed(text, **facts)


def _counted(counts: Counts) -> str:
    besides = {
        "duplicate": counts.duplicates,
        "invalid": counts.invalid,
        "blank": counts.blank,
        "left out": counts.left_out,
    }
    more = "".join(f", {number:,} {word}" for word, number in besides.items() if number)
    return f"{counted(counts.unique, 'mailbox', 'mailboxes')}{more}"


def _ends(seen: Seen) -> str:
    found = seen.sample.mailboxes
    return f", from row {found[0].row:,} to row {found[-1].row:,}" if found else ""


def _facts(counts: Counts, seen: Seen) -> dict[str, int]:
    found = seen.sample.mailboxes
    ends = {"first_row": found[0].row, "last_row": found[-1].row} if found else {}
    return {
        "rows": counts.rows,
        "duplicates": counts.duplicates,
        "invalid": counts.invalid,
        "blank": counts.blank,
        "left_out": counts.left_out,
    } | ends
