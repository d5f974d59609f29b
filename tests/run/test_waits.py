"""A wait that is longer than the job allows, or than the run lasts, ends its mailbox truthfully and nobody else's."""

import asyncio
from typing import Any

import pytest

from bulkmail.model import Request, Response
from bulkmail.run.stop import TIME_BOX
from bulkmail.testing import Tokens, run
from bulkmail.transport import StackSettings, stack
from tests.run.stage import ListSource, Stage, mailboxes
from tests.transport.rig import Unbatching, throttled, unheard

ADA, OTHERS = "user2@example.com", [f"user{row}@example.com" for row in range(3, 22)]
HOURS = {
    "plain": throttled(7200),
    "date": throttled("Thu, 01 Jan 2099 00:00:00 GMT"),
    "unavailable": throttled(7200, "MailboxInfoStale", status=503),
}


def played(refusal: Response, *, batch: int, max_wait: float, box: float = 60.0) -> dict[str, dict[str, Any]]:
    """Outcomes by mailbox of a run in which `ADA` is refused for hours, and no other is."""

    async def answer(request: Request) -> Response:
        await asyncio.sleep(1.0)
        return refusal if request.mailbox == ADA else Response(200, {}, {"timeZone": "UTC"})

    async def main() -> Stage:
        async with stack(Unbatching(answer), Tokens(), StackSettings(batch=batch, max_wait=max_wait), unheard) as whole:
            stage = Stage(ListSource([mailboxes(20)]), whole.transport, lanes=whole.lanes)
            asyncio.get_running_loop().call_later(box, stage.stop.ask, TIME_BOX)
            await stage.run()
            assert asyncio.get_running_loop().time() < 100
        return stage

    stage = run(main())
    assert stage.totals.done == 20
    return {line["mailbox"]: line for line in stage.outcomes.lines()}


@pytest.mark.parametrize("batch", [0, 5])
@pytest.mark.parametrize("refusal", HOURS.values(), ids=HOURS)
def test_a_wait_past_what_the_job_allows(refusal: Response, batch: int) -> None:
    outcomes = played(refusal, batch=batch, max_wait=3600)
    assert {outcomes[other]["status"] for other in OTHERS} == {"ok"}
    ada = outcomes[ADA]
    assert (ada["status"], ada["error"]["code"], ada["throttled"], ada["requests"]) == ("failed", "ThrottledOut", 1, 1)
    assert "the service asks for a wait of" in ada["error"]["message"]
    assert "mailbox" in ada["error"]["message"], "and whose limit it was"


@pytest.mark.parametrize("batch", [0, 5])
@pytest.mark.parametrize("refusal", HOURS.values(), ids=HOURS)
def test_a_wait_past_the_time_box(refusal: Response, batch: int) -> None:
    outcomes = played(refusal, batch=batch, max_wait=1e12)
    assert {outcomes[other]["status"] for other in OTHERS} == {"ok"}
    ada = outcomes[ADA]
    assert (ada["status"], ada["error"]["code"]) == ("not_run", "NotRun")
    assert ada["error"]["message"] == TIME_BOX.text
    assert (ada["throttled"], ada["requests"]) == (1, 1)
    assert 80 < ada["waited"] < 90, "to the time box, and through the grace"
    assert ada["waited_for"].endswith(", mailbox")


@pytest.mark.parametrize("batch", [0, 5])
def test_a_wait_of_the_application_past_the_time_box_ends_all_that_are_left(batch: int) -> None:
    outcomes = played(throttled(7200, "TooManyRequests"), batch=batch, max_wait=1e12)
    for outcome in outcomes.values():
        if outcome["status"] == "not_run":
            assert outcome["error"]["message"] == TIME_BOX.text
            assert outcome["waited_for"] in ("", "TooManyRequests, application")
    assert outcomes[ADA]["status"] == "not_run"
