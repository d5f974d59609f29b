"""`/places`: rooms, room lists, the rooms of a list, and one of them by id or address."""

from itertools import islice

from bulkmail.sim.families.places.content import list_id, room, room_list, rooms
from bulkmail.sim.families.places.kind import LISTS, MOST, PAGE, READ
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request
from bulkmail.sim.graph.odata import page_size, read_token, select, write_token
from bulkmail.sim.graph.table import Route
from bulkmail.sim.world import World


def _rooms(world: World, call: Call, part: int | None = None) -> Answer:
    token = call.options.get("$skiptoken")
    start = read_token(token, "places") if token else (0,)
    if start is None:
        raise bad_request("The page token has expired.", "ErrorInvalidPagingToken")
    size = page_size(call.options, PAGE, MOST)
    numbers = list(islice(rooms(world.tenant, start[0], part), size + 1))
    body: Json = {"@odata.context": f"{call.base}/$metadata#places/microsoft.graph.room"}
    if len(numbers) > size:
        body["@odata.nextLink"] = call.link({**call.options, "$skiptoken": write_token("places", numbers[size])})
    rows = [select(room(world.tenant, number), call.options) for number in numbers[:size]]
    return Answer(200, body | {"value": rows})


def all_rooms(world: World, call: Call) -> Answer:
    return _rooms(world, call)


def all_lists(world: World, call: Call) -> Answer:
    rows = [select(room_list(world.tenant, number), call.options) for number in range(len(LISTS))]
    return Answer(200, {"@odata.context": f"{call.base}/$metadata#places/microsoft.graph.roomList", "value": rows})


def _list_of(world: World, text: str) -> int | None:
    for number in range(len(LISTS)):
        if text.lower() in {list_id(world.tenant, number), room_list(world.tenant, number)["emailAddress"]}:
            return number
    return None


def rooms_of_list(world: World, call: Call) -> Answer:
    number = _list_of(world, call.keys[0])
    if number is None:
        raise _not_found()
    return _rooms(world, call, number)


def read(world: World, call: Call) -> Answer:
    part = _list_of(world, call.keys[0])
    number = world.tenant.find(call.keys[0])
    context = {"@odata.context": f"{call.base}/$metadata#places/$entity"}
    if part is not None:
        kind = {"@odata.type": "#microsoft.graph.roomList"}
        return Answer(200, context | kind | select(room_list(world.tenant, part), call.options))
    if number < 0 or next(rooms(world.tenant, number), -1) != number:
        raise _not_found()
    kind = {"@odata.type": "#microsoft.graph.room"}
    return Answer(200, context | kind | select(room(world.tenant, number), call.options))


def _not_found() -> Refusal:
    return Refusal(404, "ErrorItemNotFound", "The place was not found.")


ROUTES = (
    Route("GET", "/places/microsoft.graph.room", all_rooms, READ, "other"),
    Route("GET", "/places/microsoft.graph.roomList", all_lists, READ, "other"),
    Route("GET", "/places/{}/microsoft.graph.roomList/rooms", rooms_of_list, READ, "other"),
    Route("GET", "/places/{}", read, READ, "other"),
)
