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


async def walk_new_photos(walk: Walk) -> None:
    made = await walk.ask("POST", "/contacts", {"givenName": "Fern"}, status=201)
    folder = await walk.ask("POST", "/contactFolders", {"displayName": "Faces"}, status=201)
    below = f"/contactFolders/{folder['id']}/contacts"
    inner = await walk.ask("POST", below, {"givenName": "Fern"}, status=201)
    for owner in ("", f"/contacts/{made['id']}", f"{below}/{inner['id']}"):
        for method in ("PUT", "PATCH"):
            picture = b"\xff\xd8\xff" + method.encode() * 100
            await walk.ask(method, f"{owner}/photo/$value", picture)
            assert (await walk.desk.get(f"{walk.base}{owner}/photo/$value")).content == picture
        await walk.ask("PUT", f"{owner}/photo/$value", b"GIF89a", status=400)
        await walk.ask("PUT", f"{owner}/photo/$value", b"\xff\xd8\xff" + bytes(4 << 20), status=413)
        await walk.ask("GET", f"{owner}/photo", shape=PHOTO)
        if not owner:
            rows = await walk.rows("/photos", PHOTO)
            assert [row["width"] for row in rows][:2] == [48, 64]
            assert (await walk.ask("GET", "/photos/64x64", shape=PHOTO))["height"] == 64
            assert (await walk.desk.get(f"{walk.base}/photos/64x64/$value")).content == picture
            await walk.ask("GET", "/photos/1x1", status=404)
        await walk.ask("DELETE", f"{owner}/photo/$value", status=204)
        await walk.ask("GET", f"{owner}/photo", status=404)


WALKS = (walk_photos, walk_new_photos)
