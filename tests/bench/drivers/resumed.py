"""How long it takes to know where a killed run stands: its list is read and its journal checked, line by line."""

import asyncio
import json
import sys
import time
from pathlib import Path

from bulkmail.app.input import file_source, survey
from bulkmail.config import Input
from bulkmail.model import Mailbox, Outcome, Status, Tally
from bulkmail.rundir.entries import encode_outcome
from bulkmail.rundir.folder import OUTCOMES
from bulkmail.rundir.journal import Journal
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.recovery import recover
from bulkmail.sink import Appender

GROUP = 250
"""Outcomes of one sync, as in a fast run."""


def write_run(listed: Path, folder: Path) -> None:
    """A run in which all mailboxes of a list are done."""
    addresses = listed.read_text(encoding="utf-8").split()[1:]
    outcomes = [Outcome(Mailbox(name, row), Status.OK, 1, Tally(1), 0.2) for row, name in enumerate(addresses, 2)]
    with Appender(folder / OUTCOMES) as file:
        journal = Journal(file)
        for start in range(0, len(outcomes), GROUP):
            journal.append([encode_outcome(outcome, {"records.ndjson": outcome.mailbox.row * 700})
                            for outcome in outcomes[start : start + GROUP]])  # fmt: skip


def main() -> None:
    given = json.loads(sys.argv[1])
    folder = Path(given["out"])
    folder.mkdir()
    write_run(Path(given["csv"]), folder)
    started = time.perf_counter()
    source = file_source(Input(path=given["csv"]))
    expected = asyncio.run(survey(source))
    found = recover(RunDir(folder))
    print(json.dumps({
        "ok": len(found.done), "seconds": time.perf_counter() - started, "outcomes": expected,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
