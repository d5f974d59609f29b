"""Inbox rules: every route once, against the documented names, types and statuses."""

from tests.sim.walk import NUMBER, OBJECT, TEXT, TRUTH, Shape, Walk

RULE: Shape = {
    "id": TEXT, "displayName": TEXT, "sequence": NUMBER, "isEnabled": TRUTH, "hasError": TRUTH, "isReadOnly": TRUTH,
    "actions": OBJECT,
}  # fmt: skip
LISTS = {"/mailFolders/inbox/messageRules": RULE}  # what every untouched mailbox has, or may have
SAMPLES = {  # the documented body -> ours
    "messagerules-list": "GET /mailFolders/inbox/messageRules",
    "messagerules-create-response": "POST /mailFolders/inbox/messageRules",
    "messagerule-update-response": "PATCH /mailFolders/inbox/messageRules/{}",
}


async def walk_rules(walk: Walk) -> None:
    path = "/mailFolders/inbox/messageRules"
    wish = {
        "displayName": "Ours", "sequence": 1, "conditions": {"subjectContains": ["enter to win"]},
        "actions": {"stopProcessingRules": True},
    }  # fmt: skip
    made = await walk.ask("POST", path, wish, status=201, shape=RULE)
    await walk.rows(path, RULE)
    await walk.ask("GET", f"{path}/{made['id']}", shape=RULE)
    changed = await walk.ask("PATCH", f"{path}/{made['id']}", {"actions": {"delete": True}}, shape=RULE)
    assert changed["actions"] == {"delete": True}
    await walk.ask("DELETE", f"{path}/{made['id']}", status=204)
    await walk.ask("GET", f"{path}/{made['id']}", status=404)


WALKS = (walk_rules,)
