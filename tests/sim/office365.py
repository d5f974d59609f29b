"""Office365-REST-Python-Client against the simulator, in a process of its own: its imports warn. Prints what it saw.

python -W ignore -m tests.sim.office365 GRAPH CA_FILE ADDRESS < TOKEN
"""

import json
import sys
from datetime import UTC, datetime
from typing import Any

from office365.directory.users.user import User
from office365.graph_client import GraphClient
from office365.outlook.calendar.role_type import CalendarRoleType
from office365.outlook.mail.importance import Importance
from office365.outlook.mail.messages.rules.actions import MessageRuleActions
from office365.outlook.mail.recipient import Recipient
from office365.runtime.client_request_exception import ClientRequestException
from office365.runtime.odata.v4.batch_request import ODataV4BatchRequest
from office365.runtime.odata.v4.json_format import V4JsonFormat
from requests import Response, Session

GRAPH = "https://graph.microsoft.com"


class Redirected(Session):
    """Carries what is meant for Graph to the simulator: this client knows no address but those of the clouds."""

    def __init__(self, graph: str, ca_file: str) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = ca_file
        self.graph = graph

    def request(self, method: str, url: str, *rest: Any, **more: Any) -> Response:  # type: ignore[override]
        return super().request(method, url.replace(GRAPH, self.graph), *rest, **more)


def directory(client: GraphClient) -> list[str]:
    return [user.user_principal_name or "" for user in client.users.get_all(page_size=40).execute_query()]


def settings(user: User) -> list[str]:
    """The status of the automatic replies before and after they are switched on."""
    start, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (2026, 2027))
    seen = [replies(user)]
    user.enable_automatic_replies_setting("Scheduled", start, end, "away", "away").execute_query()
    return [*seen, replies(user)]


def replies(user: User) -> str:
    found = user.select(["mailboxSettings"]).get().execute_query().mailbox_settings
    return str(found.automaticRepliesSetting.status)


def folders(user: User) -> dict[str, int]:
    """Folders with the count that each tells of itself, one more made and deleted on the way."""
    made = user.mail_folders.add("Witnessed").execute_query()
    listed = user.mail_folders.get_all().execute_query()
    made.delete_object().execute_query()
    return {folder.display_name or "": folder.total_item_count or 0 for folder in listed}


def messages(user: User) -> list[str]:
    """Subjects of all messages, page by page."""
    return [message.subject or "" for message in user.messages.get_all(page_size=10).execute_query()]


def batch(client: GraphClient, user: User) -> int:
    """The messages of two folders by one request; `execute_batch` would pass the client's own session by."""
    inbox, sent = (user.mail_folders[name].messages.get() for name in ("inbox", "sentitems"))
    request, pending = ODataV4BatchRequest("", V4JsonFormat()), client.pending_request()
    request.transport = pending.transport
    request.beforeExecute += pending.authenticate_request
    for query in client._split_batches(20):
        request.execute_query_with_retry(query)
    return len(inbox) + len(sent)


def contacts(user: User) -> list[str]:
    made = user.contacts.add("Fern", "Dale", "fern.dale@partner.example").execute_query()
    names = [contact.display_name or "" for contact in user.contacts.get_all().execute_query()]
    made.delete_object().execute_query()
    return names


def send(user: User) -> str:
    user.send_mail("Witnessed notice", "hello", ["someone@tenant.example"], save_to_sent_items=True).execute_query()
    sent = user.mail_folders["sentitems"].messages.get().execute_query()
    return sent[0].subject or ""


def rule(user: User) -> list[str]:
    """The importance that a rule sets, after it was changed and read again; and how many rules there are then."""
    rules = user.mail_folders["inbox"].message_rules
    actions = MessageRuleActions(stopProcessingRules=True, markImportance=None)
    made = rules.add("Witnessed", 1, actions).execute_query()
    made.set_property("actions", MessageRuleActions(markImportance=Importance.high)).update().execute_query()
    again = rules[str(made.id)].get().execute_query()
    return [
        str(getattr(again.actions.markImportance, "value", "")),
        *(found.display_name or "" for found in rules.get().execute_query()),
    ][:2]


def answers(user: User) -> list[str]:
    """A copy, by a parameter's name in capital letters; the subjects of drafts that answer; a draft that is sent."""
    letter = user.mail_folders["inbox"].messages.top(1).get().execute_query()[0]
    own = user.messages[str(letter.id)]
    drafts = [own.copy("archive"), own.create_reply("Thanks"), own.create_reply_all(), own.create_forward()]
    subjects = [draft.execute_query().subject or "" for draft in drafts]
    draft = user.messages.add("Lunch?", "The new cafeteria is open.").execute_query()
    for place in (1, 2):
        draft.to_recipients.add(Recipient.from_email(f"colleague{place}@tenant.example"))
    draft.update().send().execute_query()
    return subjects


def calendars(user: User) -> list[int]:
    """How many there are: suggestions, schedules, groups, reminders; and a calendar that is renamed on the way."""
    start, end = (datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (2026, 2027))
    month = start.replace(month=2)
    made = user.calendars.add(name="Witnessed").execute_query()
    made.set_property("name", "Renamed").update().execute_query()
    made.delete_object().execute_query()
    found = [
        user.find_meeting_times().execute_query().value.meetingTimeSuggestions,
        user.calendar.get_schedule(["nobody@tenant.example"], start, month).execute_query().value,
        user.calendar_groups.get().execute_query(),
        user.get_reminder_view(start, end).execute_query().value,
    ]
    return [len(rows) for rows in found]


def event(user: User) -> list[str]:
    """An event, changed, cancelled and then deleted; what is left of its subject."""
    start = datetime(2026, 1, 2, 10, tzinfo=UTC)
    made = user.calendar.events.add(subject="Witnessed", start=start, end=start.replace(hour=11)).execute_query()
    made.set_property("subject", "Changed").update().execute_query()
    made.cancel("sorry").execute_query()
    made.delete_object().execute_query()
    return [found.subject or "" for found in user.calendar.events.get().execute_query()]


def sharing(user: User) -> list[str]:
    """The roles of a permission that is given, changed and taken away, and the name of a category on its way."""
    permissions = user.calendar.calendar_permissions
    given = permissions.add("fern@tenant.example", CalendarRoleType.read).execute_query()
    roles = [str(given.role)]
    given.set_property("role", "write").update().execute_query()
    listed = permissions.get().execute_query()
    roles += [str(one.role) for one in listed if one.email_address.address == "fern@tenant.example"]
    given.delete_object().execute_query()
    categories = user.outlook.master_categories
    made = categories.add("Witnessed", "preset9").execute_query()
    names = [str(one.display_name) for one in categories.get().execute_query()]
    made.delete_object().execute_query()
    return [*roles, names[-1]]


def surroundings(client: GraphClient, user: User) -> list[int]:
    found = [
        user.people.get().execute_query(),
        user.outlook.supported_languages().execute_query().value,
        user.outlook.supported_time_zones().execute_query().value,
        client.room_lists.get().execute_query(),
        client.places.rooms.get().execute_query(),
    ]
    user.get_mail_tips(["nobody@tenant.example"], "automaticReplies").execute_query()
    return [len(rows) for rows in found]


def reports(client: GraphClient) -> list[str]:
    """The first heading of each, by its redirect: this client follows it with what it has, as browsers do."""
    root = client.reports
    asked = [
        root.get_email_activity_counts("D7"), root.get_email_activity_user_detail("D7"),
        root.get_mailbox_usage_storage("D7"), root.get_mailbox_usage_mailbox_counts("D7"),
        root.get_mailbox_usage_detail("D7"), root.get_m365_app_user_counts("D7"),
        root.get_email_app_usage_user_counts("D7"),
    ]  # fmt: skip
    return [report.execute_query().to_text().partition(",")[0] for report in asked]


def compliance(client: GraphClient, user: User) -> list[int]:
    """How many there are: domains, folders as their changes list them, and what stands in a window of the calendar."""
    start, end = (datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (2026, 2027))
    found = [
        client.domains.get().execute_query(),
        user.mail_folders.delta.get().execute_query(),
        user.get_calendar_view(start, end).execute_query(),
    ]
    return [len(rows) for rows in found]


def refused(client: GraphClient) -> str:
    try:
        client.users["nobody@tenant.example"].get().execute_query()
    except ClientRequestException as error:
        return str(error.code)
    return ""


def main(graph: str, ca_file: str, address: str) -> None:
    token = sys.stdin.read().strip()
    client = GraphClient(lambda: {"token_type": "Bearer", "access_token": token})
    client.with_transport(session=Redirected(graph, ca_file), verify=ca_file)
    user = client.users[address]
    seen = {
        "directory": directory(client),
        "settings": settings(user),
        "messages": messages(user),
        "folders": folders(user),
        "batch": batch(client, user),
        "contacts": contacts(user),
        "send": send(user),
        "rule": rule(user),
        "answers": answers(user),
        "calendars": calendars(user),
        "event": event(user),
        "sharing": sharing(user),
        "surroundings": surroundings(client, user),
        "reports": reports(client),
        "compliance": compliance(client, user),
        "refused": refused(client),
    }
    print(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
