"""Mailboxes that do not answer like others, what deltas promise, and what is kept in memory."""

from typing import Any

from bulkmail.sim.tenant.people import State
from tests.sim.desk import Desk, rehearse


def test_a_tenant_has_absent_denied_moving_and_stale_mailboxes() -> None:
    expected = {
        State.PRESENT: [(200, "")],
        State.GUEST: [(404, "MailboxNotEnabledForRESTAPI")],
        State.ON_PREMISES: [(404, "MailboxNotEnabledForRESTAPI")],
        State.UNLICENSED: [(404, "ResourceNotFound")],
        State.DENIED: [(403, "ErrorAccessDenied")],
        State.MOVING: [(503, "MailboxInfoStale"), (503, "MailboxInfoStale"), (200, "")],
        State.STALE: [(503, "MailboxInfoStale")] * 3,
    }

    async def act(desk: Desk) -> None:
        tenant = desk.sim.tenant
        for state, answers in expected.items():
            number = next(n for n in range(tenant.size) if tenant.state(n) is state)
            for status, code in answers:
                reply = await desk.get(f"{desk.user(number)}/mailboxSettings")
                assert (reply.status, reply.code if status >= 400 else "") == (status, code)
            if state is State.STALE:
                assert (await desk.get(f"/users/{tenant.guid(number)}/mailboxSettings")).status == 200
        unknown = await desk.get("/users/nobody@tenant.example/mailboxSettings")
        assert (unknown.status, unknown.code) == (404, "ErrorInvalidUser")

    rehearse(act, mailboxes=400, absent=0.2, denied=0.1, moving=0.05, stale=0.05)


def test_deltas_tell_what_came_and_went_and_forget_when_told_to() -> None:
    async def act(desk: Desk) -> None:
        base = f"{desk.user()}/mailFolders/inbox/messages"
        first, link = await follow(desk, f"{base}/delta")
        assert {row["id"] for row in first} == {row["id"] for row in await desk.pages(base)}
        assert (await follow(desk, link))[0] == []
        gone, read = first[0]["id"], first[1]["id"]
        await desk.ask("DELETE", f"{base}/{gone}")
        await desk.ask("PATCH", f"{base}/{read}", {"isRead": True})
        changes, later = await follow(desk, link)
        assert {row["id"]: row.get("@removed") for row in changes} == {gone: {"reason": "deleted"}, read: None}
        assert (await follow(desk, later))[0] == []
        await desk.control(forget_deltas=True)
        expired = await desk.get(link)
        assert (expired.status, expired.code) == (410, "SyncStateNotFound")
        assert "deltatoken=" in expired.headers["Location"]

    rehearse(act)


async def follow(desk: Desk, link: str) -> tuple[list[Any], str]:
    """The rows of a round of a delta query, and the link to the next round."""
    rows: list[Any] = []
    while True:
        body = (await desk.get(link, Prefer="odata.maxpagesize=3")).body
        rows += body["value"]
        if "@odata.deltaLink" in body:
            return rows, body["@odata.deltaLink"]
        link = body["@odata.nextLink"]


def test_memory_is_taken_only_for_what_is_written() -> None:
    async def act(desk: Desk) -> None:
        for number in range(50):
            await desk.get(f"{desk.user(number)}/messages")
        assert not desk.sim.world.mailboxes.written
        await desk.ask("PATCH", f"{desk.user(7)}/mailboxSettings", {"timeZone": "UTC"})
        assert set(desk.sim.world.mailboxes.written) == {7}

    rehearse(act, mailboxes=1_000_000)
