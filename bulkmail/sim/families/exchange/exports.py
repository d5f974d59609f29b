"""Items that go out: a stream or an error for each, the whole is 200; some may be left out without a word."""

from collections.abc import Iterator

import orjson

from bulkmail.sim.families.exchange.streams import coded, digest, size_of
from bulkmail.sim.families.folders.kind import FOLDER
from bulkmail.sim.families.messages.kind import MESSAGE
from bulkmail.sim.faults.script import ITEM
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request
from bulkmail.sim.graph.items import change_key, find
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World

EXPORTED = 20  # items of one call at most
LONG = 256 * 1024  # bytes of streams from which on the answer is made while it is sent


def export(world: World, call: Call) -> Answer:
    """The answer, in pieces where it is long."""
    wanted = call.parameters().get("itemids")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(text, str) for text in wanted):
        raise bad_request("The itemIds are missing.", "ErrorInvalidRequest")
    if len(wanted) > EXPORTED:
        raise bad_request(f"Too many items: {EXPORTED} can be exported at once.", "ErrorInvalidRequest")
    found = [one for text in wanted if (one := _found(world, call, text)) is not None]
    context = f"{call.base}/$metadata#Collection(microsoft.graph.exportItemResponse)"
    answer = _spoken(context, found)
    if sum(size_of(item.props) for _, item in found if isinstance(item, Item)) > LONG:
        return Answer(200, answer)
    return Answer(200, orjson.loads(b"".join(answer)))


def _found(world: World, call: Call, text: str) -> tuple[str, Item | Json] | None:
    """An item by its id, or the error that stands for it; None where it is left out."""
    fault = world.script.strike(ITEM, f"POST /{'/'.join(call.segments)}/{text}") if world.script else None
    if fault is not None and fault.kind == "item-dropped":
        return None
    if fault is not None:
        code = fault.code or "ErrorInternalServerError"
        return text, {"code": code, "message": "The item could not be exported."}
    try:
        found = find(world, call, MESSAGE, text)
    except Refusal as refusal:
        return text, {"code": refusal.code, "message": refusal.message}
    world.books.streams[call.user, found.number] += 1
    return text, found


def _spoken(context: str, found: list[tuple[str, Item | Json]]) -> Iterator[bytes]:
    yield orjson.dumps({"@odata.context": context})[:-1] + b',"value":['
    for place, (text, item) in enumerate(found):
        if place:
            yield b","
        if isinstance(item, Item):
            yield orjson.dumps({"itemId": text, "changeKey": change_key(item)})[:-1] + b',"data":"'
            yield from coded(item.props)
            yield b'"}'
        else:
            yield orjson.dumps({"itemId": text, "changeKey": None, "error": item})
    yield b"]}"


def streams(mailbox: Mailbox) -> Iterator[Json]:
    """What an export of every item should be, for the judge of a rehearsal."""
    store = MESSAGE.of(mailbox)
    for item in store:
        folder = FOLDER.id(mailbox.number, item.parent)
        told = {"id": store.id_of(item), "folder": folder, "bytes": size_of(item.props)}
        yield told | {"changeKey": change_key(item), "sha256": digest(item.props)}
