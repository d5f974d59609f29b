"""Tips about recipients: every route once, against the documented names, types and statuses."""

from tests.sim.walk import LIST, OBJECT, TRUTH, Shape, Walk

TIPS: Shape = {"emailAddress": OBJECT, "automaticReplies": OBJECT, "mailboxFull": TRUTH}
SAMPLES = {"getmailtips-response": "POST /getMailTips"}  # the documented body -> ours


async def walk_mail_tips(walk: Walk) -> None:
    await walk.ask(
        "PATCH", "/mailboxSettings",
        {"automaticRepliesSetting": {
            "status": "scheduled", "internalReplyMessage": "away",
            "scheduledStartDateTime": {"dateTime": "2020-01-01T00:00:00", "timeZone": "UTC"},
            "scheduledEndDateTime": {"dateTime": "2090-01-01T00:00:00", "timeZone": "UTC"},
        }},
    )  # fmt: skip
    own, other = (walk.desk.sim.tenant.address(number) for number in (0, 1))
    wish = {"EmailAddresses": [own, other], "MailTipsOptions": "automaticReplies, mailboxFullStatus"}
    rows = (await walk.ask("POST", "/getMailTips", wish, shape={"value": LIST}))["value"]
    for row in rows:
        assert row.keys() == TIPS.keys()
    assert "away" in rows[0]["automaticReplies"]["message"]
    assert rows[0]["automaticReplies"]["scheduledEndTime"]["dateTime"].startswith("2090")
    wish = {"emailaddresses": ["ada@contoso.com"], "mailtipsoptions": "RecipientScope"}
    rows = (await walk.ask("POST", "/getMailTips", wish))["value"]
    assert rows == [{"emailAddress": {"name": "", "address": "ada@contoso.com"}, "recipientScope": "external"}]
    rows = (await walk.ask("POST", "/getMailTips", {"emailAddresses": ["ada@contoso.com"]}))["value"]
    assert rows[0]["error"]["code"] == "ErrorMailRecipientNotFound"
    wrongs: list[Shape] = [{}, {"EmailAddresses": []}, {"EmailAddresses": [own], "MailTipsOptions": "gossip"}]
    for wrong in wrongs:
        await walk.ask("POST", "/getMailTips", wrong, status=400)


WALKS = (walk_mail_tips,)
