"""What Microsoft's Python SDK can ask of a user's mailbox, by the templates of its request builders: the simulator
knows the route, or it is named here."""

import re
from pathlib import Path

import msgraph.generated
import pytest

from bulkmail.sim.families import routes, ways
from bulkmail.sim.graph.call import Call, Grant, Refusal
from bulkmail.sim.graph.table import Table, unfolded

TEMPLATE = re.compile(r'super\(\).__init__\(request_adapter, "\{\+baseurl\}(/users/\{user%2Did\}[^"]*)"')
VERB = re.compile(r"async def (get|post|patch|put|delete)\(")
OURS = {
    "calendar", "calendarGroups", "calendarView", "calendars", "contactFolders", "contacts", "directReports", "events",
    "extensions", "findMeetingTimes", "getMailTips", "inferenceClassification", "mailFolders", "mailboxSettings",
    "manager", "memberOf", "messages", "outlook", "people", "photo", "photos", "reminderView", "sendMail",
    "transitiveMemberOf", "translateExchangeIds",
}  # fmt: skip
LACKING = (
    r"GET .*calendarView/delta",  # a window whose changes are followed
    r"GET .*instances/delta",
    r"POST calendar/permanentDelete",  # the default calendar cannot be deleted
    r"(PUT|DELETE) .*messages/X/\$value",  # MIME content is replaced nowhere in the documentation
    r"(PATCH|DELETE) .*photo",  # of the description, not of the picture
    r"(PUT|DELETE) photos/X/\$value",
    r"(GET|PUT|DELETE) manager/\$ref",  # who reports to whom is computed
    r"(GET|PATCH) inferenceClassification",
    r"GET outlook",
    r"GET (directReports|memberOf|transitiveMemberOf)/X/graph\..*",
)


def asked() -> set[tuple[str, str]]:
    """Method and path below a user, `X` for a key; listings are counted elsewhere."""
    found = set()
    for path in (Path(msgraph.generated.__path__[0]) / "users" / "item").rglob("*_request_builder.py"):
        text = path.read_text(encoding="utf-8")
        template = TEMPLATE.search(text)
        if template is None:
            continue
        bare = re.sub(r"\{&[^}]*\}|\?.*$|\{\?.*?\}$", "", template[1]).split("/")[3:]
        segments = unfolded(re.sub(r"\{[^}]*\}", "X", segment) for segment in bare)
        if segments and segments[0] in OURS and segments[-1] != "$count":
            found |= {(verb.upper(), "/".join(segments)) for verb in VERB.findall(text)}
    return found


@pytest.fixture(scope="module")
def table() -> Table:
    return Table(routes(), ways())


def knows(table: Table, method: str, path: str) -> bool:
    segments = ("users", "ada@contoso.com", *path.split("/"))
    try:
        table.find(Call(method, segments, {}, {}, b"", Grant("app", frozenset(), 0.0, 0), ""))
    except Refusal:
        return False
    return True


def test_what_the_sdk_can_say_of_a_mailbox_is_known_or_named(table: Table) -> None:
    lacking = {f"{method} {path}" for method, path in asked() if not knows(table, method, path)}
    named = {one for one in lacking if any(re.fullmatch(pattern, one) for pattern in LACKING)}
    assert lacking == named
    assert not [pattern for pattern in LACKING if not any(re.fullmatch(pattern, one) for one in lacking)]


def test_the_sdk_was_read() -> None:
    found = asked()
    assert ("GET", "mailFolders/X/childFolders/X/messages") in found
    assert ("POST", "calendarGroups/X/calendars/X/events/X/accept") in found
