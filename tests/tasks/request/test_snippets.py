"""Every snippet of the documentation does what it says, with the permission that it needs, and a write only once."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bulkmail import docs
from bulkmail.model import Mailbox
from bulkmail.tasks import check_options
from bulkmail.tasks.request.send import request
from tests.sim.desk import Desk, rehearse
from tests.tasks.rig import Bench, benched

BLOCK = re.compile(r"```toml snippet\n(.*?)```", re.DOTALL)
SNIPPETS = [tomllib.loads(text) for text in BLOCK.findall(docs.read("request"))]
CALM: dict[str, Any] = {"mailboxes": 40, "absent": 0, "denied": 0, "moving": 0}


def named(snippet: dict[str, Any]) -> str:
    return f"{snippet.get('method', 'GET')} {snippet['path']}"


def mailbox(desk: Desk, number: int) -> Mailbox:
    """With cells that name something in it."""
    address = desk.sim.tenant.address(number)

    def first(kind: str) -> dict[str, Any]:
        rows = [row for row in desk.sim.contents(kind, address) if not row.get("isReadOnly")]
        return rows[0] if rows else {"id": "none"}

    message = first("messages")
    cells = {
        "From": "2020-01-01T00:00:00Z", "To": "2030-01-01T00:00:00Z", "Name": "o'",
        "TimeZone": "Tokyo Standard Time", "Since": "2019-12-31T00:00:00Z", "MessageId": message["id"],
        "Sender": message["from"]["emailAddress"]["address"], "RuleId": first("rules")["id"],
        "ContactId": first("contacts")["id"],
    }  # fmt: skip
    return Mailbox(address, number + 2, columns=cells)


async def first_with_rows(bench: Bench) -> tuple[Mailbox, list[Any]]:
    """Not every mailbox has what a snippet asks for."""
    for number in range(40):
        one = mailbox(bench.desk, number)
        if "none" not in one.columns.values() and (rows := await bench.run(one)):
            return one, rows
    raise AssertionError("no mailbox has it")


def test_there_are_two_dozen_of_them() -> None:
    assert len(SNIPPETS) >= 24
    assert len({str(snippet) for snippet in SNIPPETS}) == len(SNIPPETS)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=named)
def test_a_snippet(snippet: dict[str, Any], tmp_path: Path) -> None:
    options: Any = check_options(request, snippet)
    least = tuple(request.needs(options).names())
    assert least, "its permission is known"

    async def act(desk: Desk) -> None:
        async with benched(desk, "request", tmp_path, snippet) as bench:
            one, rows = await first_with_rows(bench)
            for row in rows:
                assert row.keys() == request.columns(options).keys() - {"mailbox"}
            assert any(cell not in (None, "", []) for row in rows for cell in row.values())
            assert options.reads is not bool(bench.made)
            if not options.reads:
                assert await bench.run(one) == []
                assert bench.writes == []

    rehearse(act, roles=least, **CALM)
