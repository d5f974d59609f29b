"""Messages, their attachments, and sending: every route once, against the documented names, types and statuses."""

from tests.sim.walk import LIST, NUMBER, TEXT, TRUTH, Shape, Walk, matches

MESSAGE: Shape = {
    "@odata.etag": TEXT, "id": TEXT, "changeKey": TEXT, "createdDateTime": TEXT, "lastModifiedDateTime": TEXT,
    "categories": LIST, "receivedDateTime": TEXT, "sentDateTime": TEXT, "hasAttachments": TRUTH,
    "internetMessageId": TEXT, "subject": TEXT, "bodyPreview": TEXT, "importance": TEXT, "parentFolderId": TEXT,
    "conversationId": TEXT, "isRead": TRUTH, "isDraft": TRUTH, "webLink": TEXT, "inferenceClassification": TEXT,
    "body": {"contentType": TEXT, "content": TEXT}, "toRecipients": LIST, "flag": {"flagStatus": TEXT},
}  # fmt: skip
ATTACHMENT: Shape = {
    "@odata.type": TEXT, "id": TEXT, "name": TEXT, "contentType": TEXT, "size": NUMBER, "isInline": TRUTH,
    "contentBytes": TEXT, "lastModifiedDateTime": TEXT,
}  # fmt: skip
LETTER = {"subject": "Notice", "body": {"contentType": "Text", "content": "hello"},
          "toRecipients": [{"emailAddress": {"address": "someone@tenant.example"}}]}  # fmt: skip
LISTS = {"/messages": MESSAGE}  # what every untouched mailbox has, or may have
SAMPLES = {  # the documented body -> ours
    "messages-delta-page1": "GET /mailFolders/inbox/messages/delta",
    "message-move-response": "POST /messages/{}/move",
    "attachments-list": "GET /messages/{}/attachments",
    "attachment-uploadsession-response": "POST /messages/{}/attachments/createUploadSession",
}


async def walk_messages(walk: Walk) -> None:
    await walk.rows("/messages", MESSAGE)
    await walk.rows("/mailFolders/inbox/messages", MESSAGE)
    for path, there in (("/messages", "/messages"), ("/mailFolders/drafts/messages", "/mailFolders/archive/messages")):
        made = await walk.ask("POST", path, LETTER, status=201, shape=MESSAGE)
        await walk.ask("GET", f"{path}/{made['id']}", shape=MESSAGE)
        raw = await walk.desk.get(f"{walk.base}{path}/{made['id']}/$value")
        assert raw.status == 200
        assert raw.content.startswith(b"Subject: Notice")
        await walk.ask("PATCH", f"{path}/{made['id']}", {"categories": ["Red category"]}, shape=MESSAGE)
        copy = await walk.ask("POST", f"{path}/{made['id']}/copy", {"destinationId": "archive"}, status=201)
        moved = await walk.ask("POST", f"{path}/{made['id']}/move", {"destinationId": "archive"}, status=201)
        assert moved["id"] != made["id"]
        await walk.ask("GET", f"{path}/{made['id']}", status=404)
        await walk.ask("DELETE", f"{there}/{moved['id']}", status=204)
        await walk.ask("POST", f"{there}/{copy['id']}/permanentDelete", status=204)
    delta = await walk.ask("GET", "/mailFolders/inbox/messages/delta")
    for row in delta["value"]:
        matches(row, {"@odata.type": TEXT} | MESSAGE)


async def walk_sending(walk: Walk) -> None:
    await walk.ask("POST", "/sendMail", {"message": LETTER}, status=202)
    made = await walk.ask("POST", "/messages", LETTER, status=201)
    await walk.ask("POST", f"/messages/{made['id']}/send", status=202)
    made = await walk.ask("POST", "/messages", LETTER, status=201)
    await walk.ask("POST", f"/mailFolders/drafts/messages/{made['id']}/send", status=202)


async def walk_attachments(walk: Walk) -> None:
    made = await walk.ask("POST", "/messages", LETTER, status=201)
    wish = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt", "contentBytes": "aGVsbG8="}
    for folder in ("", "/mailFolders/drafts"):
        path = f"{folder}/messages/{made['id']}/attachments"
        added = await walk.ask("POST", path, wish, status=201, shape=ATTACHMENT)
        await walk.rows(path, ATTACHMENT)
        await walk.ask("GET", f"{path}/{added['id']}", shape=ATTACHMENT)
        assert (await walk.desk.get(f"{walk.base}{path}/{added['id']}/$value")).content == b"hello"
        await walk.ask("DELETE", f"{path}/{added['id']}", status=204)


async def walk_replies(walk: Walk) -> None:
    for path in ("/messages", "/mailFolders/inbox/messages"):
        letter = (await walk.rows("/mailFolders/inbox/messages", MESSAGE))[0]
        for name in ("createReply", "createReplyAll", "createForward"):
            made = await walk.ask("POST", f"{path}/{letter['id']}/{name}", status=201, shape=MESSAGE)
            assert made["isDraft"]
        for name in ("reply", "replyAll"):
            await walk.ask("POST", f"{path}/{letter['id']}/{name}", {"comment": "Thanks"}, status=202)
        wish = {"comment": "See below", "toRecipients": LETTER["toRecipients"]}
        await walk.ask("POST", f"{path}/{letter['id']}/forward", wish, status=202)


async def walk_uploads(walk: Walk) -> None:
    made = await walk.ask("POST", "/messages", LETTER, status=201)
    wish = {"AttachmentItem": {"attachmentType": "file", "name": "flower", "size": 3483322}}
    for path in ("/messages", "/mailFolders/drafts/messages"):
        own = f"{path}/{made['id']}/attachments/createUploadSession"
        shape = {"uploadUrl": TEXT, "expirationDateTime": TEXT, "nextExpectedRanges": LIST}
        await walk.ask("POST", own, wish, status=201, shape=shape)


WALKS = (walk_messages, walk_sending, walk_attachments, walk_replies, walk_uploads)
