"""What a worker says to its coordinator: intents of a moment in one call, and each with its own answer."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bulkmail.cluster.calls import packed
from bulkmail.cluster.ends import Ledger
from bulkmail.cluster.messages import Given, Intended, finished_of, plain_outcome, plain_request, request_of
from bulkmail.errors import ChangesExhausted
from bulkmail.model import Change, Effect, Ending, Mailbox, Outcome, Problem, Request, Status, Tally
from bulkmail.run.writer import Finished
from bulkmail.rundir.entries import encode_verdict
from bulkmail.source.cells import MARK
from bulkmail.testing import run

ADA = Mailbox("ada@contoso.example", 2, "id-1", {"Name": "Ada"})


def patched(row: int) -> Request:
    return Request("PATCH", f"/users/{row}", "ada", effect=Effect.IDEMPOTENT, row=row, change=Change("a", 1, 2))


class Coordinator:
    """Numbers intents by their row, a second after they came; `refuses` some."""

    def __init__(self, refuses: int = -1) -> None:
        self.heard: list[list[int]] = []
        self._refuses = refuses

    async def call(self, name: str, *arguments: Any) -> Any:
        assert name == "intend"
        asked: Sequence[Intended] = arguments[0]
        rows = [request_of(told).row for _, told in asked]
        self.heard.append(rows)
        await asyncio.sleep(1)
        return [packed(ChangesExhausted("enough")) if row == self._refuses else 100 + row for row in rows]


def test_intents_that_come_while_others_are_noted_go_together() -> None:
    async def main() -> None:
        coordinator = Coordinator()
        ledger = Ledger(coordinator)
        writing = asyncio.create_task(ledger.write())
        first = asyncio.create_task(ledger.intend(patched(1)))
        await asyncio.sleep(0.5)
        others = [asyncio.create_task(ledger.intend(patched(row))) for row in (2, 3, 4)]
        assert await first == 101
        assert [await one for one in others] == [102, 103, 104]
        assert coordinator.heard == [[1], [2, 3, 4]]
        writing.cancel()

    run(main())


def test_what_is_wrong_with_one_is_told_to_that_one() -> None:
    async def main() -> None:
        ledger = Ledger(Coordinator(refuses=2))
        writing = asyncio.create_task(ledger.write())
        good, bad = (asyncio.create_task(ledger.intend(patched(row))) for row in (1, 2))
        assert await good == 101
        with pytest.raises(ChangesExhausted):
            await bad
        writing.cancel()

    run(main())


def test_a_change_of_a_mailbox_that_was_cancelled_meanwhile_is_unsent() -> None:
    async def main() -> None:
        ledger = Ledger(Coordinator())
        writing = asyncio.create_task(ledger.write())
        one, other = asyncio.create_task(ledger.intend(patched(1))), asyncio.create_task(ledger.plan(patched(2)))
        await asyncio.sleep(0.5)
        one.cancel()
        other.cancel()
        await asyncio.sleep(1)
        assert ledger.take() == [(101, Ending.UNSENT, "")]
        assert ledger.take() == []
        writing.cancel()

    run(main())


@pytest.mark.parametrize("columns", [{}, {"Name": "Ada"}, {"Name": f"A{MARK}"}])
def test_a_mailbox_arrives_as_it_was(columns: dict[str, str]) -> None:
    mailbox = ADA._replace(columns=columns)
    assert Given.of(Given(mailbox).plain()) == Given(mailbox)


def test_an_outcome_and_a_request_arrive_as_they_were() -> None:
    outcome = Outcome(ADA, Status.FAILED, 3, Tally(2, 1, 0.5, "x"), 1.5, Problem("c", "m", 500), 1)
    finished = finished_of(ADA, plain_outcome(outcome, [b"rows"]))
    assert finished == Finished(outcome, [b"rows"], None, encode_verdict(outcome))
    assert request_of(plain_request(patched(7))) == patched(7)
    plain = Request("POST", "/x", "ada", body={"a": 1}, effect=Effect.NONE, row=2)
    assert request_of(plain_request(plain)) == plain
