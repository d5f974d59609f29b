"""A photo: what is said about it, and its content."""

from hashlib import sha256

from bulkmail.sim.families.photos.content import SIDE, photo
from bulkmail.sim.families.photos.kind import READ
from bulkmail.sim.graph.call import Answer, Call, Refusal
from bulkmail.sim.graph.table import Route
from bulkmail.sim.world import World

TYPE = "image/jpeg"


def _found(world: World, call: Call) -> bytes:
    content = photo(world, call.user)
    if content is None:
        raise Refusal(404, "ImageNotFound", "The photo wasn't found.")
    return content


def about(world: World, call: Call) -> Answer:
    tag = f'"{sha256(_found(world, call)).hexdigest()[:40]}"'
    context = f"{call.base}/$metadata#users('{call.keys[0]}')/photo/$entity"
    body = {"@odata.context": context, "@odata.mediaContentType": TYPE, "@odata.mediaEtag": tag}
    return Answer(200, body | {"id": f"{SIDE}X{SIDE}", "height": SIDE, "width": SIDE})


def content(world: World, call: Call) -> Answer:
    return Answer(200, _found(world, call), {"Content-Type": TYPE})


ROUTES = (
    Route("GET", "/users/{}/photo", about, READ),
    Route("GET", "/users/{}/photo/$value", content, READ),
)
