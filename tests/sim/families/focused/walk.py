"""Overrides of the Focused Inbox: every route once, against the documented names, types and statuses."""

from tests.sim.walk import OBJECT, TEXT, Shape, Walk

OVERRIDE: Shape = {"id": TEXT, "classifyAs": TEXT, "senderEmailAddress": OBJECT}
LISTS = {"/inferenceClassification/overrides": OVERRIDE}  # what every untouched mailbox has, or may have


async def walk_overrides(walk: Walk) -> None:
    path = "/inferenceClassification/overrides"
    sender = {"name": "Ada", "address": "ada@contoso.example"}
    made = await walk.ask(
        "POST", path, {"classifyAs": "focused", "senderEmailAddress": sender}, status=201, shape=OVERRIDE
    )
    again = await walk.ask("POST", path, {"classifyAs": "other", "senderEmailAddress": sender}, shape=OVERRIDE)
    assert (again["id"], again["classifyAs"]) == (made["id"], "other")
    assert made["id"] in [row["id"] for row in await walk.rows(path, OVERRIDE)]
    assert await walk.ask("GET", f"{path}/{made['id']}", shape=OVERRIDE)
    changed = await walk.ask("PATCH", f"{path}/{made['id']}", {"classifyAs": "focused"}, shape=OVERRIDE)
    assert changed["classifyAs"] == "focused"
    await walk.ask("PATCH", f"{path}/{made['id']}", {"classifyAs": "loud"}, status=400)
    await walk.ask("POST", path, {"classifyAs": "focused"}, status=400)
    await walk.ask("DELETE", f"{path}/{made['id']}", status=204)
    await walk.ask("DELETE", f"{path}/{made['id']}", status=404)


WALKS = (walk_overrides,)
