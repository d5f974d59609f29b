"""What the writing tasks lean on: keys in extended properties, drafts and their sending, etags, and the books of it."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from bulkmail.sim import Fault
from tests.patient import patiently
from tests.sim.desk import Desk, Reply, rehearse

NAME = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name bulkmailKey"
EXPAND = quote(f"singleValueExtendedProperties($filter=id eq '{NAME}')")
FIXED = {"Prefer": 'IdType="ImmutableId"'}
SENDING = "0 POST /users/{}/messages/{}/send"


def having(key: str) -> str:
    return quote(f"singleValueExtendedProperties/any(ep:ep/id eq '{NAME}' and ep/value eq '{key}')")


def marked(key: str, **props: Any) -> dict[str, Any]:
    return props | {"singleValueExtendedProperties": [{"id": NAME, "value": key}]}


def letter(key: str = "k1", **props: Any) -> dict[str, Any]:
    recipients = [{"emailAddress": {"address": "someone@tenant.example"}}]
    return marked(key, **{"subject": "Notice", "toRecipients": recipients, **props})


async def sent(desk: Desk, draft: Reply) -> Reply:
    return await desk.ask("POST", f"{desk.user()}/messages/{draft.body['id']}/send", **FIXED)


async def until(holds: Callable[[], bool]) -> None:
    """Looks again and again; the time-out of the test ends it."""
    while not holds():  # noqa: ASYNC110 - what is looked at has no event
        await asyncio.sleep(0.01)


def test_contacts_of_a_folder_are_found_with_their_keys() -> None:
    async def act(desk: Desk) -> None:
        folders = f"{desk.user()}/contactFolders"
        made = await desk.ask("POST", folders, {"displayName": "Company"})
        assert made.status == 201
        by_name = await desk.get(f"{folders}?$filter=displayName%20eq%20'Company'")
        assert [row["id"] for row in by_name.body["value"]] == [made.body["id"]]
        path = f"{folders}/{made.body['id']}/contacts"
        for number in range(25):
            wish = marked(f"k{number}", displayName=f"c{number}")
            assert (await desk.ask("POST", path, wish)).status == 201
        rows = await desk.pages(f"{path}?$expand={EXPAND}&$select=displayName&$top=10")
        assert {row["displayName"]: row["singleValueExtendedProperties"][0]["value"] for row in rows} == {
            f"c{number}": f"k{number}" for number in range(25)
        }
        found = await desk.pages(f"{path}?$filter={having('k7')}&$expand={EXPAND}")
        assert [(row["displayName"], row["singleValueExtendedProperties"][0]["value"]) for row in found] == [
            ("c7", "k7")
        ]
        assert (await desk.ask("DELETE", f"{path}/{found[0]['id']}", If_Match=found[0]["@odata.etag"])).status == 204
        assert await desk.pages(f"{path}?$filter={having('k7')}") == []
        assert await desk.pages(f"{desk.user()}/contacts?$filter={having('k8')}") == []

    rehearse(act)


def test_a_folder_can_have_a_key_too_and_keeps_it_when_renamed() -> None:
    async def act(desk: Desk) -> None:
        folders = f"{desk.user()}/contactFolders"
        made = await desk.ask("POST", folders, marked("f1", displayName="Company"))
        assert (await desk.ask("POST", folders, {"displayName": "company"})).code == "ErrorFolderExists"
        await desk.ask("PATCH", f"{folders}/{made.body['id']}", {"displayName": "Firm"})
        rows = await desk.pages(f"{folders}?$filter={having('f1')}&$expand={EXPAND}")
        assert [row["displayName"] for row in rows] == ["Firm"]
        second = {"singleValueExtendedProperties": [{"id": NAME.replace("Key", "Other"), "value": "x"}]}
        assert (await desk.ask("PATCH", f"{folders}/{made.body['id']}", second)).body["displayName"] == "Firm"
        assert len(await desk.pages(f"{folders}?$filter={having('f1')}")) == 1

    rehearse(act)


@pytest.mark.parametrize("collection", ["contacts", "messages"])
def test_if_match_guards_a_change(collection: str) -> None:
    async def act(desk: Desk) -> None:
        base = f"{desk.user()}/{collection}"
        made = (await desk.ask("POST", base, marked("k1"))).body
        assert made["@odata.etag"] == f'W/"{made["changeKey"]}"'
        path, wish = f"{base}/{made['id']}", {"categories": ["Projekt Süd"]}
        changed = await desk.ask("PATCH", path, wish, If_Match=made["@odata.etag"])
        assert changed.status == 200
        assert changed.body["changeKey"] != made["changeKey"]
        stale = await desk.ask("PATCH", path, {"categories": []}, If_Match=made["@odata.etag"])
        assert (stale.status, stale.code) == (412, "ErrorIrresolvableConflict")
        assert (await desk.get(path)).body["categories"] == ["Projekt Süd"]
        assert (await desk.ask("PATCH", path, {"categories": []}, If_Match="*")).status == 200
        assert (await desk.pages(f"{base}?$filter={having('k1')}"))[0]["id"] == made["id"]

    books = rehearse(act)
    assert books["effects"]["again"] == {f"PATCH /users/{{}}/{collection}/{{}}": 1}


@pytest.mark.parametrize("name", ["Colour", "String Name Colour", "String {66f5a359} Called Colour", "0x3a24"])
def test_an_extended_property_needs_a_name_that_exchange_knows(name: str) -> None:
    async def act(desk: Desk) -> None:
        wish = {"singleValueExtendedProperties": [{"id": name, "value": "blue"}]}
        assert (await desk.ask("POST", f"{desk.user()}/contacts", wish)).code == "ErrorInvalidProperty"

    rehearse(act)


def test_a_draft_is_found_by_its_key_sent_once_and_found_by_the_same_id() -> None:
    async def act(desk: Desk, times: int) -> None:
        base = f"{desk.user()}/messages"
        draft = await desk.ask("POST", base, letter(), **FIXED)
        assert draft.status == 201
        for path in (base, f"{desk.user()}/mailFolders/drafts/messages"):
            rows = (await desk.get(f"{path}?$filter={having('k1')}", **FIXED)).body["value"]
            assert [(row["id"], row["isDraft"]) for row in rows] == [(draft.body["id"], True)]
        assert (await sent(desk, draft)).status == 202
        assert (await desk.get(f"{base}/{draft.body['id']}", **FIXED)).status == 404
        assert (await sent(desk, draft)).status == 404
        await asyncio.sleep(0.3 * times)
        for path in (base, f"{desk.user()}/mailFolders/sentitems/messages"):
            rows = (await desk.get(f"{path}?$filter={having('k1')}&$expand={EXPAND}", **FIXED)).body["value"]
            assert [(row["id"], row["isDraft"]) for row in rows] == [(draft.body["id"], False)]
            assert rows[0]["singleValueExtendedProperties"] == [{"id": NAME, "value": "k1"}]
        again = await sent(desk, draft)
        assert (again.status, again.code) == (400, "ErrorInvalidRequest")
        assert desk.sim.effects("k1") == {"0 POST /users/{}/messages": 1, SENDING: 1}
        assert [row["key"] for row in desk.sim.contents("sent")] == ["k1"]

    books = patiently(lambda times: rehearse(partial(act, times=times), send_delay=0.2 * times))
    assert not books["effects"]["repeated"]


def test_the_same_key_sent_twice_shows() -> None:
    async def act(desk: Desk) -> None:
        for _ in range(2):
            assert (
                await sent(desk, await desk.ask("POST", f"{desk.user()}/messages", letter(), **FIXED))
            ).status == 202
        await desk.ask("POST", f"{desk.user(1)}/sendMail", {"message": letter()})
        assert desk.sim.effects("k1")["1 POST /users/{}/sendMail"] == 1

    books = rehearse(act)
    assert books["effects"]["repeated"] == {"0 POST /users/{}/messages k1": 2, f"{SENDING} k1": 2}
    assert books["effects"]["again"] == {"POST /users/{}/messages": 1, "POST /users/{}/messages/{}/send": 1}


def test_headers_of_the_client_s_own_travel_and_are_shown_on_request() -> None:
    async def act(desk: Desk) -> None:
        base = f"{desk.user()}/messages"
        header = {"name": "x-bulkmail-key", "value": "k1"}
        draft = await desk.ask("POST", base, letter(internetMessageHeaders=[header]), **FIXED)
        assert "internetMessageHeaders" not in draft.body
        assert draft.body["internetMessageId"].endswith("@tenant.example>")
        await sent(desk, draft)
        shown = (await desk.get(f"{base}/{draft.body['id']}?$select=internetMessageHeaders", **FIXED)).body
        assert shown["internetMessageHeaders"] == [header]
        wrong = letter(internetMessageHeaders=[{"name": "Received", "value": "never"}])
        assert (await desk.ask("POST", base, wrong)).code == "InvalidInternetMessageHeader"
        many = letter(internetMessageHeaders=[header] * 6)
        assert (await desk.ask("POST", base, many)).code == "InvalidInternetMessageHeaderCollection"

    rehearse(act)


def test_what_is_attached_to_a_draft_goes_out_with_it() -> None:
    async def act(desk: Desk) -> None:
        enclosed = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt", "contentBytes": "aGVsbG8="}
        base = f"{desk.user()}/messages"
        draft = await desk.ask("POST", base, letter(attachments=[enclosed]), **FIXED)
        assert draft.body["hasAttachments"]
        assert "attachments" not in draft.body
        await sent(desk, draft)
        rows = await desk.pages(f"{base}/{draft.body['id']}/attachments", **FIXED)
        assert [(row["name"], row["contentBytes"]) for row in rows] == [("a.txt", "aGVsbG8=")]
        assert (await desk.ask("POST", base, letter(attachments=["a.txt"]))).code == "RequestBodyRead"

    rehearse(act)


def test_the_thirty_first_message_of_a_minute_arrives_a_minute_later() -> None:
    async def act(desk: Desk) -> None:
        for number in range(33):
            reply = await desk.ask("POST", f"{desk.user()}/sendMail", {"message": letter(f"k{number}")})
            assert reply.status == 202
        await desk.ask("POST", f"{desk.user(1)}/sendMail", {"message": letter()})
        now = asyncio.get_running_loop().time()
        arrived = [row["key"] for row in desk.sim.contents("sent", desk.sim.tenant.address(0)) if row["due"] <= now]
        assert arrived == [f"k{number}" for number in range(30)]
        assert len(desk.sim.contents("sent")) == 34

    assert rehearse(act)["deferred_messages"] == 3


@pytest.mark.parametrize("kind", ["lost", "gateway"])
def test_a_message_whose_sending_was_not_answered_went_out(kind: str) -> None:
    async def act(desk: Desk) -> None:
        draft = await desk.ask("POST", f"{desk.user()}/messages", letter(), **FIXED)
        if kind == "lost":
            with pytest.raises(OSError, match=r"\w"):
                await sent(desk, draft)
        else:
            assert (await sent(desk, draft)).status == 504
        rows = await desk.pages(f"{desk.user()}/messages?$filter={having('k1')}", **FIXED)
        assert [row["isDraft"] for row in rows] == [False]
        assert desk.sim.effects("k1")[SENDING] == 1

    rehearse(act, faults=(Fault(kind, match="/send$"),))


def test_a_message_that_is_sent_late_is_a_draft_until_then() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/messages"
        draft = await desk.ask("POST", path, letter(), **FIXED)
        assert (await sent(desk, draft)).status == 504
        assert (await desk.get(f"{path}/{draft.body['id']}", **FIXED)).body["isDraft"]
        await until(lambda: SENDING in desk.sim.effects("k1"))
        assert not (await desk.get(f"{path}/{draft.body['id']}", **FIXED)).body["isDraft"]
        assert desk.sim.effects("k1")[SENDING] == 1

    patiently(lambda times: rehearse(act, faults=(Fault("late", match="/send$", seconds=0.5 * times),)))


def test_what_the_tenant_holds_is_told_to_another_process() -> None:
    async def act(desk: Desk) -> None:
        await desk.ask("POST", f"{desk.user()}/contacts", marked("k1", displayName="Fern"))
        await desk.ask("PATCH", f"{desk.user(1)}/mailboxSettings", {"timeZone": "Tokyo Standard Time"})
        books = f"{desk.sim.graph_url}/_books"
        async with desk.session.get(f"{books}?key=k1") as response:
            assert await response.json() == {"key": "k1", "effects": {"0 POST /users/{}/contacts": 1}}
        async with desk.session.get(f"{books}/contacts?mailbox={quote(desk.sim.tenant.address(0))}") as response:
            rows = (await response.json())["value"]
        assert [row["displayName"] for row in rows if row["key"]] == ["Fern"]
        assert rows == desk.sim.contents("contacts", desk.sim.tenant.address(0))
        async with desk.session.get(f"{books}/settings") as response:
            zones = {row["mailbox"]: row["timeZone"] for row in (await response.json())["value"]}
        assert zones[desk.sim.tenant.address(1)] == "Tokyo Standard Time"
        assert len(zones) == 2
        for wrong in ("letters", "contacts?mailbox=nobody@tenant.example"):
            async with desk.session.get(f"{books}/{wrong}") as response:
                assert response.status == 400

    rehearse(act)


def test_moments_come_back_in_one_spelling() -> None:
    async def act(desk: Desk) -> None:
        span = {
            "scheduledStartDateTime": {"dateTime": "2026-02-01T08:00:00+02:00", "timeZone": "UTC"},
            "scheduledEndDateTime": {"dateTime": "2026-02-03T08:00", "timeZone": "Europe/Berlin"},
        }
        wish = {"automaticRepliesSetting": {"status": "scheduled", "internalReplyMessage": "away", **span}}
        replies = (await desk.ask("PATCH", f"{desk.user()}/mailboxSettings", wish)).body["automaticRepliesSetting"]
        assert replies["scheduledStartDateTime"] == {"dateTime": "2026-02-01T06:00:00.0000000", "timeZone": "UTC"}
        assert replies["scheduledEndDateTime"]["dateTime"] == "2026-02-03T08:00:00.0000000"
        assert replies["internalReplyMessage"] == "<html>\n<body>\naway\n</body>\n</html>\n"

    rehearse(act)


def test_a_strict_tenant_wants_texts_of_replies_that_are_on() -> None:
    async def act(desk: Desk) -> None:
        path, none = f"{desk.user()}/mailboxSettings", {"internalReplyMessage": "", "externalReplyMessage": ""}
        wishes = {
            400: [none, none | {"internalReplyMessage": "away", "externalAudience": "all"}],
            200: [
                none | {"internalReplyMessage": "away", "externalAudience": "none"},
                none | {"internalReplyMessage": "away", "externalReplyMessage": "away", "externalAudience": "all"},
            ],
        }
        for status, replies in wishes.items():
            for reply in replies:
                wish = {"automaticRepliesSetting": {"status": "alwaysEnabled", **reply}}
                assert (await desk.ask("PATCH", path, wish)).status == status, wish
        assert (await desk.ask("PATCH", path, {"automaticRepliesSetting": none | {"status": "disabled"}})).status == 200

    rehearse(act, strict_replies=True)


def test_a_client_that_dies_leaves_no_slot_behind() -> None:
    """What it had in flight is worked off, and done."""

    async def act(desk: Desk) -> None:
        tasks = [
            asyncio.create_task(desk.ask("POST", f"{desk.user()}/contacts", marked(f"k{number}")))
            for number in range(4)
        ]
        await until(lambda: desk.sim.books()["in_flight"] == 4)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await until(lambda: desk.sim.books()["in_flight"] == 0)
        assert (await desk.get(f"{desk.user()}/mailboxSettings")).status == 200

    books = rehearse(act, latency=0.2)
    assert books["effects"]["total"] == 4
    assert not books["breaches"]
