"""No request makes the simulator fail: whatever comes is answered, and only with statuses that Graph knows."""

import asyncio
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.sim import Settings, Simulator
from bulkmail.sim.families import kinds, routes
from bulkmail.sim.families.folders.content import NUMBERS
from bulkmail.sim.graph.batch import unpack
from bulkmail.sim.graph.call import Answer, Call, Grant, Refusal
from bulkmail.sim.graph.service import Service
from bulkmail.sim.tenant.ids import item_id
from tests.sim.desk import CLEAN, EVERY_ROLE

SIM = Simulator(Settings(**CLEAN))
GRANT = Grant("app", frozenset(EVERY_ROLE), 1e12, 1)
NAMES = (
    "displayName", "name", "subject", "sequence", "actions", "conditions", "isEnabled", "message", "toRecipients",
    "categories", "body", "start", "end", "emailAddress", "emailAddresses", "role", "color", "destinationId", "itemIds",
    "automaticRepliesSetting", "workingHours", "language", "timeZone", "singleValueExtendedProperties", "contentBytes",
    "@odata.type", "transactionId", "status", "daysOfWeek", "address", "dateTime", "id", "value", "attachments",
)  # fmt: skip
leaves = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.sampled_from(["UTC", "inbox", "read"])
)
names = st.sampled_from(NAMES)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=8
)
bodies = st.dictionaries(names, values, max_size=6).map(orjson.dumps) | st.binary(max_size=20)
items = st.builds(
    item_id,
    st.just(0),
    st.sampled_from(sorted(kind.ids for kind in kinds().values())),
    st.integers(0, 20),
    st.integers(0, 2),
)
keys = items | st.sampled_from(sorted(NUMBERS)) | st.text(min_size=1, max_size=6).filter(lambda text: "/" not in text)
options = st.dictionaries(
    st.sampled_from(
        ["$top", "$skip", "$filter", "$select", "$orderby", "$expand", "$search", "$skiptoken", "$deltatoken"]
    ),
    st.text(max_size=12) | st.sampled_from(["1", "subject eq 'x'", "subject desc", "id", "receivedDateTime"]),
    max_size=3,
)
users = st.sampled_from([SIM.tenant.address(0), SIM.tenant.guid(0), "nobody@tenant.example"])
headers = st.dictionaries(
    st.sampled_from(["prefer", "if-match", "content-type", "consistencylevel"]), st.text(max_size=9)
)


@given(st.sampled_from(routes()), users, st.lists(keys, min_size=3, max_size=3), options, headers, bodies)
def test_any_call_is_answered(
    route: Any, user: str, rest: list[str], chosen: dict[str, str], sent: dict[str, str], body: bytes
) -> None:
    filling = iter([user, *rest])
    segments = tuple(next(filling) if part == "{}" else part for part in route.pattern.strip("/").split("/"))
    call = Call(route.method, segments, chosen, sent, body, GRANT, "https://graph.example/v1.0")

    async def main() -> Answer:
        return await Service(SIM.world, SIM.entra, asyncio.get_running_loop().time).serve(call)

    answer = asyncio.run(main())
    assert answer.status in {200, 201, 202, 204, 302, 400, 403, 404, 405, 409, 410, 412, 413, 429}
    if not isinstance(answer.body, bytes):
        orjson.dumps(answer.body)


@given(bodies | st.lists(values, max_size=3).map(lambda rows: orjson.dumps({"requests": rows})))
def test_any_batch_is_unpacked_or_refused(body: bytes) -> None:
    try:
        parts = unpack(body)
    except Refusal as refusal:
        answer = refusal.answer()
        assert answer.status == 400
    else:
        assert parts
