"""Each route of calendars, categories and lists takes the documented permissions, and none less."""

import pytest

from tests.sim.desk import Desk, rehearse

SPAN = "startDateTime=2026-01-01T00:00:00&endDateTime=2026-02-01T00:00:00"
READS = {
    "/calendars": {"Calendars.ReadBasic", "Calendars.Read", "Calendars.ReadWrite"},
    "/events": {"Calendars.ReadBasic", "Calendars.Read", "Calendars.ReadWrite"},
    f"/calendar/calendarView?{SPAN}": {"Calendars.ReadBasic", "Calendars.Read", "Calendars.ReadWrite"},
    "/calendar/calendarPermissions": {"Calendars.Read", "Calendars.ReadWrite"},
    "/outlook/masterCategories": {"MailboxSettings.Read", "MailboxSettings.ReadWrite"},
    "/outlook/supportedLanguages": {"User.ReadBasic.All", "User.Read.All"},
    "/outlook/supportedTimeZones": {"User.ReadBasic.All", "User.Read.All"},
}
WRITES = {
    "/calendars": "Calendars.ReadWrite",
    "/events": "Calendars.ReadWrite",
    "/calendar/calendarPermissions": "Calendars.ReadWrite",
    "/outlook/masterCategories": "MailboxSettings.ReadWrite",
}
ROLES = sorted(set().union(*READS.values()))


@pytest.mark.parametrize("role", ROLES)
def test_what_one_role_opens(role: str) -> None:
    async def act(desk: Desk) -> None:
        for path, opened_by in READS.items():
            reply = await desk.get(f"{desk.user()}{path}")
            assert reply.status == (200 if role in opened_by else 403), path
        for path, wanted in WRITES.items():
            reply = await desk.ask("POST", f"{desk.user()}{path}", {})
            assert reply.status == (400 if role == wanted else 403), path

    rehearse(act, roles=(role,))
