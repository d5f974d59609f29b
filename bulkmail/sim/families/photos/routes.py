"""A photo: what is said about it, its content, and another in its place."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import TypeAlias

from bulkmail.sim.families.photos.content import SIDE, SIZES, keep, photo
from bulkmail.sim.families.photos.kind import READ, SITTERS, Sitter
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request
from bulkmail.sim.graph.table import Route, Work
from bulkmail.sim.world import World

Act: TypeAlias = Callable[[World, Call, Sitter], Answer]
TYPE = "image/jpeg"
BEGINS = b"\xff\xd8\xff"  # every JPEG
LARGEST = 4 << 20  # bytes


def _content(world: World, call: Call, sitter: Sitter) -> bytes:
    found = photo(world, call.user, sitter.find(world, call))
    if found is None:
        raise Refusal(404, "ImageNotFound", "The photo wasn't found.")
    return found


def _about(content: bytes, side: int) -> Json:
    tag = f'"{sha256(content).hexdigest()[:40]}"'
    told = {"@odata.mediaContentType": TYPE, "@odata.mediaEtag": tag}
    return told | {"id": f"{side}X{side}", "height": side, "width": side}


def about(world: World, call: Call, sitter: Sitter) -> Answer:
    context = {"@odata.context": f"{call.base}/$metadata#users('{call.keys[0]}')/photo/$entity"}
    return Answer(200, context | _about(_content(world, call, sitter), SIDE))


def content(world: World, call: Call, sitter: Sitter) -> Answer:
    return Answer(200, _content(world, call, sitter), {"Content-Type": TYPE})


def put(world: World, call: Call, sitter: Sitter) -> Answer:
    if not call.body.startswith(BEGINS):
        raise bad_request("The photo is not a JPEG.", "ErrorInvalidImage")
    if len(call.body) > LARGEST:
        raise Refusal(413, "RequestEntityTooLarge", "The photo is larger than 4 MB.")
    keep(world, call.user, sitter.find(world, call), call.body)
    return Answer(200)


def remove(world: World, call: Call, sitter: Sitter) -> Answer:
    _content(world, call, sitter)
    keep(world, call.user, sitter.find(world, call), None)
    return Answer(204)


def _side(call: Call) -> int:
    for side in SIZES:
        if call.keys[1].lower() == f"{side}x{side}":
            return side
    raise Refusal(404, "ImageNotFound", "The photo wasn't found.")


def sizes(world: World, call: Call, sitter: Sitter) -> Answer:
    found = _content(world, call, sitter)
    context = f"{call.base}/$metadata#users('{call.keys[0]}')/photos"
    return Answer(200, {"@odata.context": context, "value": [_about(found, side) for side in SIZES]})


def sized(world: World, call: Call, sitter: Sitter) -> Answer:
    return Answer(200, _about(_content(world, call, sitter), _side(call)))


def sized_content(world: World, call: Call, sitter: Sitter) -> Answer:
    _side(call)
    return content(world, call, sitter)


def _of(act: Act, sitter: Sitter) -> Work:
    return lambda world, call: act(world, call, sitter)


def _routes(sitter: Sitter) -> Iterator[Route]:
    path = f"{sitter.path}/photo"
    yield Route("GET", path, _of(about, sitter), sitter.read)
    yield Route("GET", f"{path}/$value", _of(content, sitter), sitter.read)
    yield Route("PUT", f"{path}/$value", _of(put, sitter), sitter.write)
    yield Route("PATCH", f"{path}/$value", _of(put, sitter), sitter.write)
    yield Route("DELETE", f"{path}/$value", _of(remove, sitter), sitter.write)


USER = SITTERS[0]
ROUTES = (
    *(route for sitter in SITTERS for route in _routes(sitter)),
    Route("GET", "/users/{}/photos", _of(sizes, USER), READ),
    Route("GET", "/users/{}/photos/{}", _of(sized, USER), READ),
    Route("GET", "/users/{}/photos/{}/$value", _of(sized_content, USER), READ),
)
