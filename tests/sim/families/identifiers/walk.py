"""Forms of ids: every route once, against the documented names, types and statuses."""

from tests.sim.walk import LIST, Walk

SAMPLES = {"translateexchangeids-response": "POST /translateExchangeIds"}  # the documented body -> ours


async def walk_ids(walk: Walk) -> None:
    (message, *_) = (await walk.desk.get(f"{walk.base}/messages?$top=1")).body["value"]
    wish = {"inputIds": [message["id"], "no id"], "sourceIdType": "restId", "targetIdType": "restImmutableEntryId"}
    (row,) = (await walk.ask("POST", "/translateExchangeIds", wish, shape={"value": LIST}))["value"]
    assert row["sourceId"] == message["id"] != row["targetId"]
    steady = (await walk.desk.get(f"{walk.base}/messages/{row['targetId']}")).body
    assert steady["subject"] == message["subject"]
    await walk.ask("POST", "/translateExchangeIds", {"inputIds": ["x"]}, status=400)


WALKS = (walk_ids,)
