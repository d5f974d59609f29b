"""What is special about the resources: the rules that a client has to live with, and what pages and deltas promise."""

from typing import Any
from urllib.parse import quote

import pytest

from bulkmail.sim.families.messages.kind import MESSAGE
from bulkmail.sim.tenant.people import State
from tests.sim.desk import Desk, rehearse

REFUSED_SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"timeZone": "Nowhere"}, "InvalidTimeZone"),
    ({"timeZone": 5}, "RequestBodyRead"),
    ({"userPurpose": "room"}, "ErrorInvalidRequest"),
    ({"mailboxSettings": {"timeZone": "UTC"}}, "ErrorInvalidRequest"),
    ({}, "ErrorInvalidRequest"),
    ({"automaticRepliesSetting": {"status": "sometimes"}}, "RequestBodyRead"),
    ({"automaticRepliesSetting": {"unknown": 1}}, "RequestBodyRead"),
    ({"language": {"locale": "no language"}}, "ErrorInvalidLocale"),
    ({"workingHours": {"startTime": "25:00"}}, "RequestBodyRead"),
    ({"workingHours": {"startTime": "17:00:00.0000000", "endTime": "08:00:00.0000000"}}, "ErrorInvalidTimeSettings"),
    ({"workingHours": {"daysOfWeek": ["someday"]}}, "InvalidArguments"),
    ({"delegateMeetingMessageDeliveryOptions": "nobody"}, "RequestBodyRead"),
    (
        {
            "automaticRepliesSetting": {
                "status": "scheduled",
                "scheduledStartDateTime": {"dateTime": "2026-02-02T00:00:00", "timeZone": "UTC"},
                "scheduledEndDateTime": {"dateTime": "2026-02-01T00:00:00", "timeZone": "UTC"},
            }
        },
        "ErrorInvalidScheduledOofDuration",
    ),
]


def test_settings_are_checked_and_nothing_is_half_written() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/mailboxSettings"
        before = (await desk.get(path)).body
        for wish, code in REFUSED_SETTINGS:
            reply = await desk.ask("PATCH", path, {"dateFormat": "yyyy", **wish} if code[0] != "E" else wish)
            assert (reply.status, reply.code) == (400, code), wish
        assert (await desk.get(path)).body == before
        assert not desk.sim.world.mailboxes.written

    rehearse(act)


def test_settings_merge_and_replies_come_back_as_html() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/mailboxSettings"
        before = (await desk.get(path)).body["automaticRepliesSetting"]
        wish = {"automaticRepliesSetting": {"status": "AlwaysEnabled", "internalReplyMessage": "back at 4711"}}
        changed = (await desk.ask("PATCH", path, wish)).body["automaticRepliesSetting"]
        assert changed["status"] == "alwaysEnabled"
        assert changed["internalReplyMessage"].startswith("<html>")
        assert changed["externalReplyMessage"] == before["externalReplyMessage"]
        assert (await desk.get(path)).body["automaticRepliesSetting"] == changed
        other = (await desk.get(f"{desk.user(1)}/mailboxSettings")).body
        assert "4711" not in other["automaticRepliesSetting"]["internalReplyMessage"]

    rehearse(act)


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


def test_users_are_paged_without_loss() -> None:
    async def act(desk: Desk) -> None:
        everybody = [desk.sim.tenant.guid(n) for n in range(200)]
        for top in (1, 37, 200, 999):
            rows = await desk.pages(f"/users?$top={top}&$select=id")
            assert [row["id"] for row in rows] == everybody
        assert (await desk.get("/users?$top=1000")).status == 400
        assert len((await desk.get("/users")).body["value"]) == 100
        assert (await desk.get("/users?$skiptoken=stale")).code == "Directory_ExpiredPageToken"

    rehearse(act)


def test_filters_on_users_follow_the_rules_of_advanced_queries() -> None:
    async def act(desk: Desk) -> None:
        everybody = {row["id"] for row in await desk.pages("/users")}
        path = "/users?$select=id&$filter="
        on = {row["id"] for row in await desk.pages(f"{path}accountEnabled%20eq%20true")}
        off = {row["id"] for row in await desk.pages(f"{path}accountEnabled%20eq%20false")}
        assert on | off == everybody
        assert on
        assert off
        assert not on & off
        some = everybody.pop()
        assert await desk.pages(f"{path}id%20eq%20'{some}'") == [{"id": some}]
        refused = await desk.get(f"{path}mail%20ne%20null")
        assert (refused.status, refused.code) == (400, "Request_UnsupportedQuery")
        counted = f"{path}mail%20ne%20null&$count=true&$top=50"
        page = (await desk.get(counted, ConsistencyLevel="eventual")).body
        rows = await desk.pages(counted, ConsistencyLevel="eventual")
        assert page["@odata.count"] == len(rows) > 150
        assert (await desk.get(page["@odata.nextLink"])).status == 400

    rehearse(act)


def test_directory_answers_tell_their_cost() -> None:
    async def act(desk: Desk) -> None:
        assert (await desk.get("/users")).headers["x-ms-resource-unit"] == "2"
        assert (await desk.get("/users?$select=id")).headers["x-ms-resource-unit"] == "1"
        group = desk.sim.world.groups.ids[0]
        assert (await desk.get(f"/groups/{group}/transitiveMembers")).headers["x-ms-resource-unit"] == "5"
        await desk.control(limits={"units": 0.001})
        refused = await desk.get("/users")
        assert refused.status == 429
        assert refused.headers["x-ms-throttle-scope"].startswith("Tenant_Application/ReadWrite/")
        assert refused.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"

    rehearse(act)


def test_user_deltas_tell_who_was_removed() -> None:
    async def act(desk: Desk) -> None:
        link = "/users/delta"
        seen = []
        while True:
            body = (await desk.get(link)).body
            seen += body["value"]
            if "@odata.deltaLink" in body:
                break
            link = body["@odata.nextLink"]
        assert len(seen) == 200
        assert (await desk.get(body["@odata.deltaLink"])).body["value"] == []
        await desk.control(remove_users=[desk.sim.tenant.address(3)], touch_users=[desk.sim.tenant.address(4)])
        changed = (await desk.get(body["@odata.deltaLink"])).body["value"]
        assert {"id": desk.sim.tenant.guid(3), "@removed": {"reason": "changed"}} in changed
        assert desk.sim.tenant.guid(4) in [row["id"] for row in changed]

    rehearse(act)


def test_messages_are_paged_filtered_searched_and_ordered() -> None:
    async def act(desk: Desk) -> None:
        base = f"{desk.user()}/messages"
        everything = await desk.pages(base)
        assert len(everything) > 10
        assert len({row["id"] for row in everything}) == len(everything)
        assert await desk.pages(f"{base}?$top=7") == everything
        dates = [row["receivedDateTime"] for row in everything]
        assert dates == sorted(dates, reverse=True)
        since = dates[len(dates) // 2]
        later = await desk.pages(f"{base}?$filter=receivedDateTime%20ge%20{since}&$orderby=receivedDateTime")
        assert [row["receivedDateTime"] for row in later] == sorted(date for date in dates if date >= since)
        refused = await desk.get(f"{base}?$filter=isRead%20eq%20true&$orderby=receivedDateTime")
        assert refused.code == "InefficientFilter"
        word = next(row["subject"].split()[0] for row in everything if row["subject"])
        found = await desk.pages(f'{base}?$search="subject:{quote(word)}"')
        assert {row["id"] for row in found} == {
            row["id"] for row in everything if word.lower() in row["subject"].lower()
        }
        assert (await desk.get(f'{base}?$search="x"&$orderby=subject')).code == "SearchWithFilter"

    rehearse(act)


def test_basic_rights_hide_bodies() -> None:
    async def act(desk: Desk) -> None:
        row = (await desk.get(f"{desk.user()}/messages")).body["value"][0]
        assert "body" not in row
        assert "bodyPreview" not in row
        assert (await desk.get(f"{desk.user()}/messages/{row['id']}/$value")).status == 403

    rehearse(act, roles=("Mail.ReadBasic.All",))


def test_ids_change_on_a_move_unless_immutable_ones_are_asked_for() -> None:
    async def act(desk: Desk) -> None:
        base = f"{desk.user()}/messages"
        fixed = {"Prefer": 'IdType="ImmutableId"'}
        plain, lasting = [(await desk.get(base, **h)).body["value"][0]["id"] for h in ({}, fixed)]
        moved = await desk.ask("POST", f"{base}/{lasting}/move", {"destinationId": "junkemail"}, **fixed)
        assert moved.body["id"] == lasting
        assert moved.headers["Preference-Applied"] == 'IdType="ImmutableId"'
        assert (await desk.get(f"{base}/{plain}")).code == "ErrorItemNotFound"
        assert (await desk.get(f"{base}/{lasting}")).status == 200

    rehearse(act)


def test_a_deleted_message_passes_through_deleted_items() -> None:
    async def act(desk: Desk) -> None:
        base = desk.user()
        fixed = {"Prefer": 'IdType="ImmutableId"'}
        row = (await desk.get(f"{base}/messages", **fixed)).body["value"][0]
        for folder in ("deleteditems", "recoverableitemsdeletions"):
            assert (await desk.ask("DELETE", f"{base}/messages/{row['id']}", **fixed)).status == 204
            there = await desk.pages(f"{base}/mailFolders/{folder}/messages", **fixed)
            assert row["id"] in [message["id"] for message in there]

    rehearse(act)


def test_sent_mail_arrives_in_sent_items_when_it_is_due() -> None:
    letter = {"subject": "Notice", "toRecipients": [{"emailAddress": {"address": "a@tenant.example"}}]}

    async def act(desk: Desk) -> None:
        base, fixed = desk.user(), {"Prefer": 'IdType="ImmutableId"'}
        draft = (await desk.ask("POST", f"{base}/messages", letter, **fixed)).body
        assert draft["isDraft"]
        assert (await desk.ask("POST", f"{base}/messages/{draft['id']}/send", **fixed)).status == 202
        assert (await desk.get(f"{base}/messages/{draft['id']}", **fixed)).status == 404
        items = MESSAGE.of(desk.sim.world.mailboxes.write(0)).items
        items[max(items)].due = 0.0
        sent = (await desk.get(f"{base}/messages/{draft['id']}", **fixed)).body
        assert not sent["isDraft"]
        assert (await desk.ask("POST", f"{base}/messages/{draft['id']}/send", **fixed)).status == 400
        assert (await desk.ask("POST", f"{base}/sendMail", {"message": {"subject": "to nobody"}})).status == 400
        kept = {"message": letter, "saveToSentItems": False}
        assert (await desk.ask("POST", f"{base}/sendMail", kept)).status == 202

    books = rehearse(act, send_delay=3600)
    assert books["effects"]["all"]["0 POST /users/{}/sendMail Notice"] == 1


def test_only_drafts_can_be_rewritten_and_a_stale_etag_is_refused() -> None:
    async def act(desk: Desk) -> None:
        base = f"{desk.user()}/mailFolders/inbox/messages"
        row = (await desk.get(base)).body["value"][0]
        path = f"{base}/{row['id']}"
        assert (await desk.ask("PATCH", path, {"subject": "new"})).code == "ErrorInvalidPropertySet"
        wish = {"categories": ["Blue category"]}
        changed = await desk.ask("PATCH", path, wish, If_Match=row["@odata.etag"])
        assert changed.body["categories"] == ["Blue category"]
        stale = await desk.ask("PATCH", path, wish, If_Match=row["@odata.etag"])
        assert (stale.status, stale.code) == (412, "ErrorIrresolvableConflict")

    rehearse(act)


MARK = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Key"


def test_contacts_are_found_by_an_extended_property() -> None:
    async def act(desk: Desk) -> None:
        base = f"{desk.user()}/contacts"
        for number in range(3):
            mark = [{"id": MARK, "value": f"k{number}"}]
            await desk.ask("POST", base, {"displayName": f"c{number}", "singleValueExtendedProperties": mark})
        test = f"singleValueExtendedProperties/Any(ep: ep/id eq '{MARK.lower()}' and ep/value eq 'k1')"
        rows = await desk.pages(f"{base}?$filter={quote(test)}")
        assert [row["displayName"] for row in rows] == ["c1"]
        assert "singleValueExtendedProperties" not in rows[0]
        expand = quote(f"singleValueExtendedProperties($filter=id eq '{MARK}')")
        shown = (await desk.get(f"{base}/{rows[0]['id']}?$expand={expand}")).body
        assert shown["singleValueExtendedProperties"] == [{"id": MARK, "value": "k1"}]
        wrong = await desk.ask("POST", base, {"emailAddresses": [{}] * 4})
        assert wrong.status == 400

    rehearse(act)


def test_folder_sizes_come_by_expansion() -> None:
    async def act(desk: Desk) -> None:
        expand = quote("singleValueExtendedProperties($filter=id eq 'Long 0x0E08')")
        rows = await desk.pages(f"{desk.user()}/mailFolders?$expand={expand}")
        sizes = {row["id"]: row["singleValueExtendedProperties"] for row in rows}
        assert all(size[0]["id"] == "Long 0xe08" and size[0]["value"].isdigit() for size in sizes.values())
        assert any(int(size[0]["value"]) > 0 for size in sizes.values())

    rehearse(act)


def test_hidden_folders_are_shown_on_request() -> None:
    async def act(desk: Desk) -> None:
        shown = await desk.pages(f"{desk.user()}/mailFolders")
        everything = await desk.pages(f"{desk.user()}/mailFolders?includeHiddenFolders=true&$top=100")
        assert len(everything) == len(shown) + 1
        assert (await desk.ask("DELETE", f"{desk.user()}/mailFolders/inbox")).status == 400

    rehearse(act)


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


def test_read_only_rules_stay_as_they_are() -> None:
    async def act(desk: Desk) -> None:
        for number in range(200):
            path = f"{desk.user(number)}/mailFolders/inbox/messageRules"
            for rule in (await desk.get(path)).body["value"]:
                if rule["isReadOnly"]:
                    assert (await desk.ask("DELETE", f"{path}/{rule['id']}")).status == 403
                    return
        pytest.fail("the tenant has no read-only rule")

    rehearse(act)


def test_an_event_with_a_known_transaction_is_not_made_twice() -> None:
    async def act(desk: Desk) -> None:
        moment = {"dateTime": "2026-01-02T10:00:00", "timeZone": "UTC"}
        wish = {"subject": "once", "start": moment, "end": moment, "transactionId": "t1"}
        first, second = [await desk.ask("POST", f"{desk.user()}/events", wish) for _ in range(2)]
        assert first.body["id"] == second.body["id"]

    rehearse(act)


def test_exported_items_come_back_as_they_were() -> None:
    async def act(desk: Desk) -> None:
        base = f"/admin/exchange/mailboxes/MBX:{desk.sim.tenant.guid(0)}@{desk.sim.tenant_id}"
        letters = await desk.pages(f"{desk.user()}/mailFolders/inbox/messages")
        reply = await desk.ask("POST", f"{base}/exportItems", {"itemIds": [letters[0]["id"]]})
        session = (await desk.ask("POST", f"{base}/createImportSession")).body
        wish = {"FolderId": letters[0]["parentFolderId"], "Mode": "create", "Data": reply.body["value"][0]["data"]}
        async with desk.session.post(session["importUrl"], json=wish) as response:
            made = await response.json()
        copy = (await desk.get(f"{desk.user()}/messages/{made['itemId']}")).body
        own = {"id", "changeKey", "@odata.etag", "@odata.context"}
        assert {k: v for k, v in copy.items() if k not in own} == {k: v for k, v in letters[0].items() if k not in own}

    rehearse(act)


def test_memory_is_taken_only_for_what_is_written() -> None:
    async def act(desk: Desk) -> None:
        for number in range(50):
            await desk.get(f"{desk.user(number)}/messages")
        assert not desk.sim.world.mailboxes.written
        await desk.ask("PATCH", f"{desk.user(7)}/mailboxSettings", {"timeZone": "UTC"})
        assert set(desk.sim.world.mailboxes.written) == {7}

    rehearse(act, mailboxes=1_000_000)
