"""Messages: pages, searches, rights, ids, deletion in two steps, sending."""

import base64
from collections import Counter
from urllib.parse import quote

from bulkmail.sim.families.folders.content import HISTORY
from bulkmail.sim.families.messages.kind import MESSAGE
from tests.sim.desk import Desk, rehearse


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


def test_mail_is_sent_as_mime_too() -> None:
    async def act(desk: Desk) -> None:
        url = f"{desk.sim.graph_url}/v1.0{desk.user()}/sendMail"
        headers = {"Authorization": f"Bearer {desk.token}", "Content-Type": "text/plain"}
        letter = base64.b64encode(b"Subject: As MIME\r\nTo: a@tenant.example\r\n\r\nhello")
        for content, status in ((letter, 202), (b"no base64!", 400)):
            async with desk.session.post(url, data=content, headers=headers) as response:
                assert response.status == status
        sent = await desk.pages(f"{desk.user()}/mailFolders/sentitems/messages")
        assert sent[0]["subject"] == "As MIME"

    rehearse(act)


def test_a_judge_lets_messages_arrive() -> None:
    async def act(desk: Desk) -> None:
        addresses = [desk.sim.tenant.address(n) for n in (1, 4)]
        wish = {"to": addresses, "subject": "Pay now", "sender": "x@attacker.example", "copies": 2, "folder": "archive"}
        assert (await desk.control(deliver=wish)).status == 200
        for number in (1, 4):
            path = f"{desk.user(number)}/mailFolders/archive/messages?$filter=subject%20eq%20'Pay%20now'"
            rows = await desk.pages(path)
            assert [row["from"]["emailAddress"]["address"] for row in rows] == ["x@attacker.example"] * 2
            assert len({row["internetMessageId"] for row in rows}) == 2
        for changed in (
            {"to": ["who@x.example"]},
            {"folder": "x"},
            {"copies": 0},
            {"message": {"colour": 1}},
            {"x": 1},
        ):
            assert (await desk.control(deliver={**wish, **changed})).status == 400
        assert (await desk.control(deliver={"to": addresses})).status == 400

    rehearse(act)


def test_what_the_service_does_not_take_of_a_query() -> None:
    async def act(desk: Desk) -> None:
        base = f"{desk.user()}/messages?$filter="
        for text, code in (
            ("colour eq 'red'", "BadRequest"),
            ("toRecipients/any(r:r/emailAddress/address eq 'a@b.c')", "ErrorInvalidUrlQueryFilter"),
            ("isRead eq 'yes'", "BadRequest"),
            ("receivedDateTime ge 'soon'", "BadRequest"),
            ("subject eq 5", "BadRequest"),
            ("subject eq", "BadRequest"),
            ("isRead eq true&$orderby=receivedDateTime", "InefficientFilter"),
        ):
            assert (await desk.get(base + quote(text, safe="&=$"))).code == code, text
        for text in (
            "receivedDateTime ge 2020-01-01T00:00:00%2B02:00 and (isRead eq true or not (contains(subject,'x')))",
            "categories/any(c:c eq 'Red category')",
            "startswith(from/emailAddress/address,'a') and importance ne 'low'",
        ):
            assert (await desk.get(base + quote(text, safe="%"))).status == 200, text
        delta = f"{desk.user()}/mailFolders/inbox/messages/delta"
        assert (await desk.get(f"{delta}?$filter=isRead%20eq%20true")).code == "ErrorInvalidUrlQuery"

    rehearse(act)


def test_pages_shift_when_messages_go() -> None:
    async def act(desk: Desk) -> None:
        base = f"{desk.user()}/mailFolders/inbox/messages"
        await desk.control(deliver={"to": [desk.sim.tenant.address(0)], "subject": "Many", "copies": 300})
        first = (await desk.get(f"{base}?$top=100")).body
        for row in first["value"][:100]:
            assert (await desk.ask("DELETE", f"{desk.user()}/messages/{row['id']}")).status == 204
        second = (await desk.get(first["@odata.nextLink"])).body["value"]
        everything = await desk.pages(f"{base}?$top=100")
        assert second[0]["id"] == everything[100]["id"]

    rehearse(act)


def test_what_was_deleted_for_good_is_in_no_list_but_its_own() -> None:
    async def act(desk: Desk) -> None:
        base = desk.user()
        row = (await desk.get(f"{base}/messages")).body["value"][0]
        moved = await desk.ask(
            "POST", f"{base}/messages/{row['id']}/move", {"destinationId": "recoverableItemsDeletions"}
        )
        assert moved.status == 201
        assert moved.body["id"] not in {one["id"] for one in await desk.pages(f"{base}/messages?$top=500")}
        there = await desk.pages(f"{base}/mailFolders/recoverableitemsdeletions/messages")
        assert [one["id"] for one in there] == [moved.body["id"]]

    rehearse(act)


def test_sizes_are_for_those_who_may_read_all() -> None:
    path = "/messages?$expand=singleValueExtendedProperties($filter=id%20eq%20'Integer%200xe08')"

    async def refused(desk: Desk) -> None:
        assert (await desk.get(desk.user() + path)).code == "ErrorAccessDenied"

    async def told(desk: Desk) -> None:
        rows = (await desk.get(desk.user() + path)).body["value"]
        assert all(row["singleValueExtendedProperties"][0]["value"].isdigit() for row in rows)

    rehearse(refused, roles=("Mail.ReadBasic.All",))
    rehearse(told, roles=("Mail.Read",))


def test_changes_come_on_pages_that_may_be_empty_and_may_repeat() -> None:
    async def act(desk: Desk) -> None:
        for number, empty in ((0, False), (1, True)):
            path = f"{desk.user(number)}/mailFolders/inbox/messages/delta?$select=subject"
            fixed = {"Prefer": 'IdType="ImmutableId", odata.maxpagesize=3'}
            first = (await desk.get(path, **fixed)).body
            while "@odata.nextLink" in first:
                first = (await desk.get(first["@odata.nextLink"], **fixed)).body
            link = first["@odata.deltaLink"]
            nothing = (await desk.get(link, **fixed)).body
            assert (nothing["value"], "@odata.deltaLink" in nothing) == ([], True)
            await desk.control(deliver={"to": [desk.sim.tenant.address(number)], "subject": "New", "copies": 7})
            pages = [(await desk.get(link, **fixed)).body]
            while "@odata.nextLink" in pages[-1]:
                pages.append((await desk.get(pages[-1]["@odata.nextLink"], **fixed)).body)
            told = [row["id"] for page in pages for row in page["value"]]
            assert (pages[0]["value"] == []) is empty
            assert len(told) > len(set(told)) == 7
            await desk.control(forget_deltas=[desk.sim.tenant.address(number)])
            expired = await desk.get(link, **fixed)
            assert (expired.status, expired.code) == [(410, "SyncStateNotFound"), (410, "resyncRequired")][number]
            other = await desk.get(f"{desk.user(2)}/mailFolders/inbox/messages/delta", **fixed)
            assert other.status == 200

    rehearse(act)


def test_the_mail_of_a_tenant_is_as_varied_as_real_mail() -> None:
    async def act(desk: Desk) -> None:
        rows = [row for n in range(120) for row in desk.sim.contents("messages", desk.sim.tenant.address(n))]
        sizes = sorted(row["bytes"] for row in rows)
        assert sizes[-1] > 20 * sizes[len(sizes) // 2]
        threads = Counter((row["conversationId"], row["internetMessageId"][-20:]) for row in rows)
        assert len({thread for thread, _ in threads}) < len(rows)
        folders = {row["parent"] for row in rows}
        assert HISTORY in folders
        subjects = {row["subject"] for row in rows}
        assert any(subject.startswith("=") for subject in subjects)
        assert any("\x1b" in subject for subject in subjects)
        assert any("\u202e" in subject for subject in subjects)
        assert any(len(subject) > 200 for subject in subjects)
        assert {row["isDraft"] for row in rows} == {True, False}

    rehearse(act)
