"""Events are not made twice."""

from tests.sim.desk import Desk, rehearse


def test_an_event_with_a_known_transaction_is_not_made_twice() -> None:
    async def act(desk: Desk) -> None:
        moment = {"dateTime": "2026-01-02T10:00:00", "timeZone": "UTC"}
        wish = {"subject": "once", "start": moment, "end": moment, "transactionId": "t1"}
        first, second = [await desk.ask("POST", f"{desk.user()}/events", wish) for _ in range(2)]
        assert first.body["id"] == second.body["id"]

    rehearse(act)
