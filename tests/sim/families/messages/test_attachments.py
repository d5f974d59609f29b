"""Attachments that messages came with: of all three kinds, under any name, read from any byte on, and taken away."""

from typing import Any

import pytest

from tests.sim.desk import Desk, rehearse

FILE, ITEM, REFERENCE = (f"#microsoft.graph.{kind}Attachment" for kind in ("file", "item", "reference"))
LIST = "?$select=id,name,contentType,size,isInline,microsoft.graph.fileAttachment/contentId"


async def all_of(desk: Desk, number: int) -> list[tuple[str, dict[str, Any]]]:
    """The attachments of a mailbox, each with its path."""
    found = []
    messages = await desk.pages(f"{desk.user(number)}/messages?$filter=hasAttachments%20eq%20true&$select=id&$top=100")
    for message in messages:
        path = f"{desk.user(number)}/messages/{message['id']}/attachments"
        found += [(f"{path}/{row['id']}", row) for row in await desk.pages(path + LIST)]
    return found


def test_there_are_all_kinds_under_all_names() -> None:
    async def act(desk: Desk) -> None:
        rows = [row for number in range(40) for _, row in await all_of(desk, number)]
        assert {row["@odata.type"] for row in rows} == {FILE, ITEM, REFERENCE}
        names = {row["name"] for row in rows}
        assert {"", "CON.txt", "../../../etc/passwd", ".hidden"} <= names
        assert any(row["isInline"] and row["contentId"] for row in rows)
        assert all("contentBytes" not in row for row in rows)

    rehearse(act)


@pytest.mark.parametrize("ranges", [True, False])
def test_content_is_read_from_any_byte_on(ranges: bool) -> None:
    async def act(desk: Desk) -> None:
        seen = set()
        for path, row in [one for number in range(12) for one in await all_of(desk, number)]:
            whole = await desk.get(f"{path}/$value")
            if row["@odata.type"] == REFERENCE:
                assert whole.status == 405
                continue
            size = len(whole.content)
            assert size > 0
            part = await desk.get(f"{path}/$value", Range="bytes=20-")
            behind = await desk.get(f"{path}/$value", Range=f"bytes={size}-")
            seen.add((part.status, behind.status))
            if ranges:
                assert part.content == whole.content[20:]
                assert part.headers["Content-Range"] == f"bytes 20-{size - 1}/{size}"
                assert behind.headers["Content-Range"] == f"bytes */{size}"
            else:
                assert part.content == behind.content == whole.content
        assert seen == {(206, 416) if ranges else (200, 200)}

    rehearse(act, ranges=ranges)


def test_files_of_a_chosen_size() -> None:
    async def act(desk: Desk) -> None:
        files = [one for number in range(6) for one in await all_of(desk, number) if one[1]["@odata.type"] == FILE]
        contents = [(await desk.get(f"{path}/$value")).content for path, _ in files[:4]]
        assert [len(content) for content in contents] == [200_000] * 4
        assert len(set(contents)) == 4
        assert len({contents[0][at : at + 1000] for at in range(0, 200_000, 65_536)}) == 4

    rehearse(act, attachment=200_000)


def test_one_is_taken_away_and_the_others_stay() -> None:
    async def act(desk: Desk) -> None:
        path, _ = (await all_of(desk, 0))[0]
        message = path.rpartition("/attachments/")[0]
        before = await desk.pages(f"{message}/attachments{LIST}")
        contents = {row["id"]: (await desk.get(f"{message}/attachments/{row['id']}/$value")).content for row in before}
        for count, row in enumerate(before, 1):
            assert (await desk.ask("DELETE", f"{message}/attachments/{row['id']}")).status == 204
            left = await desk.pages(f"{message}/attachments{LIST}")
            assert left == before[count:]
            for other in left:
                assert (await desk.get(f"{message}/attachments/{other['id']}/$value")).content == contents[other["id"]]
        assert not (await desk.get(message)).body["hasAttachments"]
        assert (await desk.ask("DELETE", path)).status == 404

    rehearse(act)


def test_one_is_added_to_those_that_are_there() -> None:
    async def act(desk: Desk) -> None:
        path, _ = (await all_of(desk, 0))[0]
        own = path.rpartition("/")[0]
        before = await desk.pages(own + LIST)
        added = {"@odata.type": FILE, "name": "a.txt", "contentBytes": "aGVsbG8=", "contentId": "x@y", "isInline": True}
        assert (await desk.ask("POST", own, added)).status == 201
        rows = await desk.pages(own + LIST)
        assert sorted(row["id"] for row in before) == sorted(row["id"] for row in rows if row["name"] != "a.txt")
        assert [row["contentId"] for row in rows if row["name"] == "a.txt"] == ["x@y"]

    rehearse(act)


def test_properties_of_files_are_known_behind_the_cast_alone() -> None:
    async def act(desk: Desk) -> None:
        path, _ = (await all_of(desk, 0))[0]
        for name in ("contentId", "contentBytes"):
            refused = await desk.get(f"{path.rpartition('/')[0]}?$select=id,{name}")
            assert (refused.status, refused.code) == (400, "RequestBroker--ParseUri")

    rehearse(act)
