"""Reports several things of a mailbox in one sweep: each part's rows are those of its own report.

The parts are read at the same time, and what several of them need of a mailbox is read once. A mailbox of which one
part cannot be read has failed as a whole.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.task.permissions import Needs, Part, all_of
from bulkmail.tasks.mailbox.options import MailboxReportOptions
from bulkmail.tasks.mailbox.parts import PARTS, begun

COLUMNS = {"mailbox": "address as the input gives it", "part": "the report that the row is of"}
KEYS = ("part", *dict.fromkeys(key for part in PARTS.values() for key in part.key_columns or ()))


def columns(options: MailboxReportOptions) -> Mapping[str, str]:
    """Those of all parts; a row has those of its own."""
    found: dict[str, dict[str, str]] = {}
    for part in options.parts:
        for name, meaning in PARTS[part].columns(options.of(part)).items():
            found.setdefault(name, {})[part] = meaning
    return COLUMNS | {name: _meaning(by_part) for name, by_part in found.items() if name != "mailbox"}


def sheets(options: MailboxReportOptions) -> Mapping[str, Sequence[str]]:
    """Each part's own columns, as its report has them."""
    return {part: [*PARTS[part].columns(options.of(part))] for part in options.parts}


def _meaning(by_part: Mapping[str, str]) -> str:
    return ". ".join(f"{part}: {meaning}" for part, meaning in by_part.items())


def needs(options: MailboxReportOptions) -> Needs:
    """What the parts need, each permission once."""
    found: dict[Part, None] = {}
    for part in options.parts:
        needed = PARTS[part].needs(options.of(part))
        found |= dict.fromkeys(needed.parts if needed.all else (needed,))
    return all_of(*found)


async def ask_once(graph: Graph, options: MailboxReportOptions) -> MailboxReportOptions:
    """The options with what the parts ask before the first mailbox."""
    known: dict[str, Any] = dict(options.options)
    for name in options.parts:
        if (once := PARTS[name].once) is not None:
            known[name] = await once(graph, options.of(name))
    return options.model_copy(update={"options": known})


def finding(row: Row) -> bool:
    judge = PARTS[row["part"]].finding
    return judge is not None and judge(row)


@task(
    "mailbox.report",
    summary="Settings, rules, folders and permissions of calendars of each mailbox, in one sweep",
    needs=needs,
    options=MailboxReportOptions,
    columns=columns,
    once=ask_once,
    finding=finding,
    key_columns=KEYS,
    parts=sheets,
)
async def mailbox_report(mailbox: Mailbox, graph: Graph, options: MailboxReportOptions) -> AsyncIterator[Row]:
    """The rows of each part, in the order of the options."""
    parts = begun(options.parts)
    found = await graph.gather(*(_rows(part, mailbox, graph, options.of(part)) for part in parts))
    rows = dict(zip(parts, found, strict=True))
    for part in options.parts:
        for row in rows[part]:
            yield {"mailbox": mailbox.address, "part": part, **row}


async def _rows(part: str, mailbox: Mailbox, graph: Graph, options: Any) -> list[Row]:
    return [row async for row in PARTS[part].run(mailbox, graph, options)]
