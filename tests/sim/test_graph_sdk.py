"""Microsoft's own client as a witness: what it reads and writes here is what it would read and write at Graph."""

import ssl
import warnings
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from msgraph.graph_service_client import GraphServiceClient

from tests.sim.desk import Desk, rehearse

NAME = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Key"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")


def client_of(desk: Desk, plain: httpx.AsyncClient) -> "GraphServiceClient":
    """The SDK with a token of ours, sending to the simulator. Its import alone warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from kiota_abstractions.authentication import AccessTokenProvider, AllowedHostsValidator
        from kiota_abstractions.authentication import BaseBearerTokenAuthenticationProvider as Bearer
        from msgraph.graph_request_adapter import GraphRequestAdapter
        from msgraph.graph_service_client import GraphServiceClient
        from msgraph_core import GraphClientFactory

    class Given(AccessTokenProvider):
        async def get_authorization_token(self, uri: str, additional_authentication_context: Any = None) -> str:
            return desk.token

        def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
            return AllowedHostsValidator(["127.0.0.1"])

    client = GraphClientFactory.create_with_default_middleware(client=plain, host=desk.sim.graph_url)
    adapter = GraphRequestAdapter(Bearer(Given()), client=client)
    adapter.base_url = f"{desk.sim.graph_url}/v1.0"
    return GraphServiceClient(request_adapter=adapter)


async def read_directory(graph: "GraphServiceClient", desk: Desk) -> None:
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder as Users

    query = Users.UsersRequestBuilderGetQueryParameters(top=40, select=["id", "mail"])
    page = await graph.users.get(Users.UsersRequestBuilderGetRequestConfiguration(query_parameters=query))
    found: list[str | None] = []
    while page is not None:
        found += [user.id for user in page.value or []]
        page = await graph.users.with_url(page.odata_next_link).get() if page.odata_next_link else None
    assert found == [desk.sim.tenant.guid(n) for n in range(desk.sim.tenant.size)]


async def read_and_write_settings(graph: "GraphServiceClient", desk: Desk) -> None:
    from msgraph.generated.models.automatic_replies_setting import AutomaticRepliesSetting
    from msgraph.generated.models.automatic_replies_status import AutomaticRepliesStatus
    from msgraph.generated.models.mailbox_settings import MailboxSettings

    for number in range(30):
        settings = await graph.users.by_user_id(desk.sim.tenant.guid(number)).mailbox_settings.get()
        assert settings is not None
        assert settings.automatic_replies_setting is not None
    user = graph.users.by_user_id(desk.sim.tenant.address(0))
    replies = AutomaticRepliesSetting(
        status=AutomaticRepliesStatus.AlwaysEnabled, internal_reply_message="away", external_reply_message="away"
    )
    await user.mailbox_settings.patch(MailboxSettings(time_zone="UTC", automatic_replies_setting=replies))
    settings = await user.mailbox_settings.get()
    assert settings is not None
    assert settings.time_zone == "UTC"
    assert settings.automatic_replies_setting is not None
    assert settings.automatic_replies_setting.status is AutomaticRepliesStatus.AlwaysEnabled
    assert "away" in (settings.automatic_replies_setting.internal_reply_message or "")


async def write_a_rule(graph: "GraphServiceClient", desk: Desk) -> None:
    from msgraph.generated.models.message_rule import MessageRule
    from msgraph.generated.models.message_rule_actions import MessageRuleActions

    rules = graph.users.by_user_id(desk.sim.tenant.guid(0)).mail_folders.by_mail_folder_id("inbox").message_rules
    wish = MessageRule(display_name="Ours", sequence=9, actions=MessageRuleActions(stop_processing_rules=True))
    made = await rules.post(wish)
    assert made is not None
    assert made.id is not None
    changed = await rules.by_message_rule_id(made.id).patch(MessageRule(is_enabled=False))
    assert changed is not None
    assert changed.is_enabled is False
    listed = await rules.get()
    assert listed is not None
    assert made.id in [rule.id for rule in listed.value or []]
    await rules.by_message_rule_id(made.id).delete()


async def read_folders_and_messages(graph: "GraphServiceClient", desk: Desk) -> None:
    user = graph.users.by_user_id(desk.sim.tenant.guid(0))
    folders = await user.mail_folders.get()
    assert folders is not None
    assert {folder.display_name for folder in folders.value or []} & {"Inbox", "Posteingang"}
    messages = await user.messages.get()
    assert messages is not None
    for message in messages.value or []:
        assert message.received_date_time is not None
        assert message.from_ is not None


async def write_a_contact(graph: "GraphServiceClient", desk: Desk) -> None:
    from msgraph.generated.models.contact import Contact
    from msgraph.generated.models.email_address import EmailAddress
    from msgraph.generated.models.single_value_legacy_extended_property import SingleValueLegacyExtendedProperty

    mark = SingleValueLegacyExtendedProperty(id=NAME, value="k1")
    address = EmailAddress(name="Fern Dale", address="fern.dale@partner.example")
    wish = Contact(given_name="Fern", email_addresses=[address], single_value_extended_properties=[mark])
    contacts = graph.users.by_user_id(desk.sim.tenant.guid(0)).contacts
    made = await contacts.post(wish)
    assert made is not None
    assert made.id is not None
    read = await contacts.by_contact_id(made.id).get()
    assert read is not None
    assert [email.address for email in read.email_addresses or []] == ["fern.dale@partner.example"]


async def send_a_letter(graph: "GraphServiceClient", desk: Desk) -> None:
    from msgraph.generated.models.body_type import BodyType
    from msgraph.generated.models.email_address import EmailAddress
    from msgraph.generated.models.item_body import ItemBody
    from msgraph.generated.models.message import Message
    from msgraph.generated.models.recipient import Recipient
    from msgraph.generated.users.item.send_mail.send_mail_post_request_body import SendMailPostRequestBody

    to = Recipient(email_address=EmailAddress(address="someone@tenant.example"))
    body = ItemBody(content_type=BodyType.Text, content="hello")
    message = Message(subject="Notice", body=body, to_recipients=[to])
    user = graph.users.by_user_id(desk.sim.tenant.guid(0))
    await user.send_mail.post(SendMailPostRequestBody(message=message, save_to_sent_items=True))
    sent = await user.mail_folders.by_mail_folder_id("sentitems").messages.get()
    assert sent is not None
    assert (sent.value or [])[0].subject == "Notice"


async def draft_find_and_send(graph: "GraphServiceClient", desk: Desk) -> None:
    """The way of a careful sender: a draft with a key, sent by its immutable id, found by the key and by that id."""
    from kiota_abstractions.headers_collection import HeadersCollection
    from msgraph.generated.models.email_address import EmailAddress
    from msgraph.generated.models.message import Message
    from msgraph.generated.models.recipient import Recipient
    from msgraph.generated.models.single_value_legacy_extended_property import SingleValueLegacyExtendedProperty
    from msgraph.generated.users.item.messages.item.message_item_request_builder import MessageItemRequestBuilder as One
    from msgraph.generated.users.item.messages.messages_request_builder import MessagesRequestBuilder as Many

    fixed = HeadersCollection()
    fixed.add("Prefer", 'IdType="ImmutableId"')
    messages = graph.users.by_user_id(desk.sim.tenant.guid(0)).messages
    to = Recipient(email_address=EmailAddress(address="someone@tenant.example"))
    mark = SingleValueLegacyExtendedProperty(id=NAME, value="sdk-1")
    wish = Message(subject="Once", to_recipients=[to], single_value_extended_properties=[mark])
    draft = await messages.post(wish, Many.MessagesRequestBuilderPostRequestConfiguration(headers=fixed))
    assert draft is not None
    assert draft.id is not None
    assert draft.is_draft
    await messages.by_message_id(draft.id).send.post()
    query = Many.MessagesRequestBuilderGetQueryParameters(
        filter=f"singleValueExtendedProperties/any(ep:ep/id eq '{NAME}' and ep/value eq 'sdk-1')"
    )
    asked = Many.MessagesRequestBuilderGetRequestConfiguration(query_parameters=query, headers=fixed)
    found = await messages.get(asked)
    assert found is not None
    assert [(row.id, row.is_draft) for row in found.value or []] == [(draft.id, False)]
    same = One.MessageItemRequestBuilderGetRequestConfiguration(headers=fixed)
    once = await messages.by_message_id(draft.id).get(same)
    assert once is not None
    assert once.subject == "Once"


async def make_folders(graph: "GraphServiceClient", desk: Desk) -> None:
    from msgraph.generated.models.contact_folder import ContactFolder
    from msgraph.generated.models.mail_folder import MailFolder
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError

    user = graph.users.by_user_id(desk.sim.tenant.guid(0))
    made = await user.mail_folders.post(MailFolder(display_name="Witnessed"))
    assert made is not None
    assert made.id is not None
    with pytest.raises(ODataError) as caught:
        await user.mail_folders.post(MailFolder(display_name="witnessed"))
    assert caught.value.response_status_code == 409
    inside = await user.mail_folders.by_mail_folder_id(made.id).child_folders.get()
    assert inside is not None
    assert inside.value == []
    await user.mail_folders.by_mail_folder_id(made.id).delete()
    folder = await user.contact_folders.post(ContactFolder(display_name="Company"))
    assert folder is not None
    assert folder.id is not None
    listed = await user.contact_folders.get()
    assert listed is not None
    assert folder.id in [row.id for row in listed.value or []]


async def share_a_calendar(graph: "GraphServiceClient", desk: Desk) -> None:
    from msgraph.generated.models.calendar import Calendar
    from msgraph.generated.models.calendar_permission import CalendarPermission
    from msgraph.generated.models.calendar_role_type import CalendarRoleType
    from msgraph.generated.models.email_address import EmailAddress

    user = graph.users.by_user_id(desk.sim.tenant.guid(0))
    made = await user.calendars.post(Calendar(name="Shared"))
    assert made is not None
    assert made.id is not None
    own = user.calendars.by_calendar_id(made.id)
    for permissions in (user.calendar.calendar_permissions, own.calendar_permissions):
        listed = await permissions.get()
        assert listed is not None
        everyone = (listed.value or [])[0]
        assert everyone.is_removable is False
        assert CalendarRoleType.None_ in (everyone.allowed_roles or [])
        to = EmailAddress(name="Fern", address="fern@tenant.example")
        given = await permissions.post(CalendarPermission(email_address=to, role=CalendarRoleType.Read))
        assert given is not None
        assert given.id is not None
        one = permissions.by_calendar_permission_id(given.id)
        changed = await one.patch(CalendarPermission(role=CalendarRoleType.Write))
        assert changed is not None
        assert changed.role is CalendarRoleType.Write
        await one.delete()
    await own.delete()


async def add_an_event_once(graph: "GraphServiceClient", desk: Desk) -> None:
    """With a transaction and a key, in a zone of its own; found by the key."""
    from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
    from msgraph.generated.models.event import Event
    from msgraph.generated.models.single_value_legacy_extended_property import SingleValueLegacyExtendedProperty
    from msgraph.generated.users.item.events.events_request_builder import EventsRequestBuilder as Many

    events = graph.users.by_user_id(desk.sim.tenant.guid(0)).events
    start, end = (
        DateTimeTimeZone(date_time=f"2026-07-01T1{hour}:00:00", time_zone="W. Europe Standard Time") for hour in (0, 1)
    )
    mark = SingleValueLegacyExtendedProperty(id=NAME, value="sdk-2")
    wish = Event(subject="Once", start=start, end=end, transaction_id="t", single_value_extended_properties=[mark])
    ids = set()
    for _ in range(2):
        made = await events.post(wish)
        assert made is not None
        assert made.start is not None
        assert (made.start.date_time, made.start.time_zone) == ("2026-07-01T08:00:00.0000000", "UTC")
        ids.add(made.id)
    query = Many.EventsRequestBuilderGetQueryParameters(
        filter=f"singleValueExtendedProperties/any(ep:ep/id eq '{NAME}' and ep/value eq 'sdk-2')"
    )
    found = await events.get(Many.EventsRequestBuilderGetRequestConfiguration(query_parameters=query))
    assert found is not None
    assert {one.id for one in found.value or []} == ids
    assert len(ids) == 1
    await events.by_event_id(ids.pop() or "").delete()


async def keep_categories(graph: "GraphServiceClient", desk: Desk) -> None:
    from msgraph.generated.models.category_color import CategoryColor
    from msgraph.generated.models.outlook_category import OutlookCategory

    outlook = graph.users.by_user_id(desk.sim.tenant.guid(0)).outlook
    made = await outlook.master_categories.post(OutlookCategory(display_name="Ours", color=CategoryColor.Preset9))
    assert made is not None
    assert made.id is not None
    one = outlook.master_categories.by_outlook_category_id(made.id)
    changed = await one.patch(OutlookCategory(color=CategoryColor.Preset15))
    assert changed is not None
    assert changed.color is CategoryColor.Preset15
    await one.delete()
    languages, zones = await outlook.supported_languages.get(), await outlook.supported_time_zones.get()
    assert languages is not None
    assert "sv-FI" in [row.locale for row in languages.value or []]
    assert zones is not None
    assert "Tonga Standard Time" in [row.alias for row in zones.value or []]


async def ask_what_reports_ask(graph: "GraphServiceClient", desk: Desk) -> None:
    """The domains, the folders of a mailbox all at once, a window of its calendar, and the report of usage."""
    from msgraph.generated.users.item.calendar_view.calendar_view_request_builder import (
        CalendarViewRequestBuilder as View,
    )

    user = graph.users.by_user_id(desk.sim.tenant.guid(0))
    domains = await graph.domains.get()
    assert domains is not None
    assert "tenant.example" in [one.id for one in domains.value or []]
    page = await user.mail_folders.delta.get()
    names = []
    while page is not None:
        names += [folder.display_name for folder in page.value or []]
        page = await user.mail_folders.delta.with_url(page.odata_next_link).get() if page.odata_next_link else None
    rows = desk.sim.contents("folders", desk.sim.tenant.address(0))
    assert {row["displayName"] for row in rows if row.get("isHidden") is not True} - {*names} == {
        "Top of Information Store"
    }
    window = View.CalendarViewRequestBuilderGetQueryParameters(
        start_date_time="2026-01-01T00:00:00Z", end_date_time="2026-12-31T00:00:00Z"
    )
    seen = await user.calendar_view.get(View.CalendarViewRequestBuilderGetRequestConfiguration(query_parameters=window))
    assert seen is not None
    assert seen.value
    told = await graph.reports.get_mailbox_usage_detail_with_period("D7").get()
    assert told is not None
    assert told.decode("utf-8-sig").startswith("Report Refresh Date")


async def meet_an_error(graph: "GraphServiceClient", desk: Desk) -> None:
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError

    with pytest.raises(ODataError) as caught:
        await graph.users.by_user_id("nobody@tenant.example").get()
    assert caught.value.error is not None
    assert caught.value.error.code == "Request_ResourceNotFound"


def test_the_sdk_reads_writes_and_sends() -> None:
    async def act(desk: Desk) -> None:
        context = ssl.create_default_context(cafile=str(desk.sim.ca_file))
        async with aclosing(httpx.AsyncHTTPTransport(verify=context)) as transport:  # the SDK does not close it
            plain = httpx.AsyncClient(transport=transport, base_url=f"{desk.sim.graph_url}/v1.0")
            await walk(client_of(desk, plain), desk)

    async def walk(graph: "GraphServiceClient", desk: Desk) -> None:
        await read_directory(graph, desk)
        await read_and_write_settings(graph, desk)
        await write_a_rule(graph, desk)
        await read_folders_and_messages(graph, desk)
        await write_a_contact(graph, desk)
        await send_a_letter(graph, desk)
        await draft_find_and_send(graph, desk)
        await make_folders(graph, desk)
        await share_a_calendar(graph, desk)
        await add_an_event_once(graph, desk)
        await keep_categories(graph, desk)
        await ask_what_reports_ask(graph, desk)
        await meet_an_error(graph, desk)

    books = rehearse(act, tls=True)
    assert not books["lacking"]
    assert not books["breaches"]
