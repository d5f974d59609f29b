"""Messages: pages, searches, rights, ids, deletion in two steps, sending."""

import base64
from urllib.parse import quote

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
