"""What actions on messages take and do: names in any casing, replies, sending, uploads in ranges."""

from io import BytesIO
from typing import Any

from tests.sim.desk import Desk, Reply, rehearse
from tests.sim.families.messages.walk import LETTER

MIB = 1 << 20


async def inbox(desk: Desk) -> list[dict[str, Any]]:
    return await desk.pages(f"{desk.user()}/mailFolders/inbox/messages?$top=100")


def test_parameters_of_actions_are_taken_in_any_casing() -> None:
    async def act(desk: Desk) -> None:
        base = desk.user()
        letter = (await inbox(desk))[0]
        copy = await desk.ask("POST", f"{base}/messages/{letter['id']}/copy", {"DestinationId": "archive"})
        assert copy.status == 201
        moved = await desk.ask("POST", f"{base}/messages/{letter['id']}/move", {"DESTINATIONID": "junkemail"})
        assert moved.status == 201
        folder = (await desk.ask("POST", f"{base}/mailFolders", {"displayName": "Ours"})).body
        wish = {"DestinationId": "archive"}
        assert (await desk.ask("POST", f"{base}/mailFolders/{folder['id']}/move", wish)).status == 201
        sent = {"Message": LETTER, "SaveToSentItems": False}
        before = len(desk.sim.contents("sent", desk.sim.tenant.address(0)))
        assert (await desk.ask("POST", f"{base}/sendMail", sent)).status == 202
        assert len(desk.sim.contents("sent", desk.sim.tenant.address(0))) == before
        exchange = f"/admin/exchange/mailboxes/MBX:{desk.sim.tenant.guid(0)}@{desk.sim.tenant_id}"
        assert (await desk.ask("POST", f"{exchange}/exportItems", {"ItemIds": [copy.body["id"]]})).status == 200
        assert (await desk.ask("POST", f"{base}/messages/{moved.body['id']}/move", {"Destination": "x"})).status == 400

    assert rehearse(act)["effects"]["all"]["0 POST /users/{}/sendMail Notice"] == 1


def test_a_draft_goes_to_two_people_of_the_tenant() -> None:
    async def act(desk: Desk) -> None:
        base = f"{desk.user()}/messages"
        draft = (await desk.ask("POST", base, {"subject": "Lunch?", "body": {"content": "The new cafeteria"}})).body
        people = [{"emailAddress": {"address": desk.sim.tenant.address(n)}} for n in (1, 2)]
        changed = await desk.ask("PATCH", f"{base}/{draft['id']}", {"toRecipients": people})
        assert len(changed.body["toRecipients"]) == 2
        assert (await desk.ask("POST", f"{base}/{draft['id']}/send")).status == 202
        sent = desk.sim.contents("sent", desk.sim.tenant.address(0))
        assert [len(row["toRecipients"]) for row in sent] == [2]

    rehearse(act)


def test_replies_and_forwards_say_whom_they_go_to_and_what_they_answer() -> None:
    async def act(desk: Desk) -> None:
        base = f"{desk.user()}/messages"
        letter = next(row for row in await inbox(desk) if not row["subject"].upper().startswith("RE:"))
        own = f"{base}/{letter['id']}"
        reply = (await desk.ask("POST", f"{own}/createReply", {"Comment": "Thanks"})).body
        assert reply["subject"] == f"RE: {letter['subject']}"
        assert reply["toRecipients"] == [letter["from"]]
        assert reply["conversationId"] == letter["conversationId"]
        assert "Thanks" in reply["body"]["content"]
        assert letter["body"]["content"] in reply["body"]["content"]
        again = (await desk.ask("POST", f"{base}/{reply['id']}/createReplyAll")).body
        assert again["subject"] == reply["subject"]
        ada = [{"emailAddress": {"name": "Ada", "address": "ada@contoso.com"}}]
        forward = (await desk.ask("POST", f"{own}/createForward", {"ToRecipients": ada})).body
        assert (forward["subject"], forward["toRecipients"]) == (f"FW: {letter['subject']}", ada)
        both = {"comment": "a", "message": {"body": {"content": "b"}}}
        assert (await desk.ask("POST", f"{own}/createReply", both)).code == "ErrorInvalidRequest"
        assert (await desk.ask("POST", f"{own}/createReply", {"colour": "red"})).code == "RequestBodyRead"
        assert (await desk.ask("POST", f"{own}/forward", {"comment": "to nobody"})).code == "ErrorInvalidRecipients"
        assert (await desk.ask("POST", f"{own}/reply", {"comment": "at once"})).status == 202
        assert "at once" in desk.sim.contents("sent", desk.sim.tenant.address(0))[0]["body"]["content"]

    rehearse(act)


def test_sending_an_answer_asks_for_the_right_to_send() -> None:
    async def act(desk: Desk) -> None:
        own = f"{desk.user()}/messages/{(await inbox(desk))[0]['id']}"
        assert (await desk.ask("POST", f"{own}/createReply")).status == 201
        assert (await desk.ask("POST", f"{own}/reply")).code == "ErrorAccessDenied"

    rehearse(act, roles=("Mail.ReadWrite",))


async def put(desk: Desk, url: str, content: bytes, text: str, **headers: str) -> Reply:
    async with desk.session.put(url, data=BytesIO(content), headers={"Content-Range": text, **headers}) as response:
        body = await response.json() if response.content_type == "application/json" else None
        return Reply(response.status, response.headers, b"", body)


def test_a_large_attachment_is_put_in_ranges_without_a_token() -> None:
    async def act(desk: Desk) -> None:
        draft = (await desk.ask("POST", f"{desk.user()}/messages", LETTER)).body
        own = f"{desk.user()}/messages/{draft['id']}/attachments"
        content = bytes(range(256)) * (5 * MIB // 256)
        wish = {"attachmentItem": {"attachmentType": "file", "name": "flower.jpg", "size": len(content)}}
        session = (await desk.ask("POST", f"{own}/createUploadSession", wish)).body
        assert session["nextExpectedRanges"] == ["0-"]
        url, size = session["uploadUrl"], len(content)
        assert not url.startswith(desk.sim.graph_url)
        leak = {"Authorization": f"Bearer {desk.token}"}
        assert (await put(desk, url, content[:MIB], f"bytes 0-{MIB - 1}/{size}", **leak)).status == 401
        for text in ("", f"bytes 0-{MIB}/{size}", f"bytes 0-{MIB - 1}/{size + 1}"):
            assert (await put(desk, url, content[:MIB], text)).status == 400
        assert (await put(desk, url, content[MIB : 2 * MIB], f"bytes {MIB}-{2 * MIB - 1}/{size}")).status == 416
        whole = await put(desk, url, content, f"bytes 0-{size - 1}/{size}")
        assert whole.status == 413
        first = await put(desk, url, content[: 3 * MIB], f"bytes 0-{3 * MIB - 1}/{size}")
        assert (first.status, first.body["NextExpectedRanges"]) == (200, [f"{3 * MIB}-"])
        last = await put(desk, url, content[3 * MIB :], f"bytes {3 * MIB}-{size - 1}/{size}")
        assert last.status == 201
        assert "/Attachments('" in last.headers["Location"]
        rows = (await desk.get(own)).body["value"]
        assert [(row["name"], row["size"]) for row in rows] == [("flower.jpg", size)]
        assert (await desk.get(f"{own}/{rows[0]['id']}/$value")).content == content
        assert (await put(desk, url, b"x", f"bytes {size}-{size}/{size}")).status == 404

    assert rehearse(act)["links_leaked"] == 1


def test_an_upload_session_is_for_large_files_only_and_can_be_given_up() -> None:
    async def act(desk: Desk) -> None:
        draft = (await desk.ask("POST", f"{desk.user()}/messages", LETTER)).body
        own = f"{desk.user()}/messages/{draft['id']}/attachments/createUploadSession"
        good: dict[str, Any] = {"attachmentType": "file", "name": "flower", "size": 4 * MIB}
        for changed, status, code in (
            ({"size": 3 * MIB - 1}, 400, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"),
            ({"size": 151 * MIB}, 413, "ErrorAttachmentSizeLimitExceeded"),
            ({"size": "large"}, 400, "RequestBodyRead"),
            ({"name": ""}, 400, "ErrorInvalidRequest"),
        ):
            reply = await desk.ask("POST", own, {"AttachmentItem": good | changed})
            assert (reply.status, reply.code) == (status, code)
        assert (await desk.ask("POST", own, {})).code == "ErrorInvalidRequest"
        url = (await desk.ask("POST", own, {"AttachmentItem": good})).body["uploadUrl"]
        for status in (204, 404):
            async with desk.session.delete(url) as response:
                assert response.status == status

    rehearse(act)
