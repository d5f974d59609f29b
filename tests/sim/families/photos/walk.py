"""Photos: every route once, against the documented names, types and statuses."""

from tests.sim.walk import NUMBER, TEXT, Shape, Walk

PHOTO: Shape = {
    "id": TEXT,
    "@odata.mediaContentType": TEXT,
    "@odata.mediaEtag": TEXT,
    "height": NUMBER,
    "width": NUMBER,
}


async def walk_photos(walk: Walk) -> None:
    seen = set()
    for number in range(8):
        walk.base = walk.desk.user(number)
        reply = await walk.desk.get(f"{walk.base}/photo/$value")
        seen.add(reply.status)
        if reply.status == 200:
            await walk.ask("GET", "/photo", shape=PHOTO)
            assert reply.content.startswith(b"\xff\xd8\xff")
            assert reply.headers["Content-Type"] == "image/jpeg"
        else:
            assert reply.code == "ImageNotFound"
    assert seen == {200, 404}


WALKS = (walk_photos,)
