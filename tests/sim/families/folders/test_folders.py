"""Folders: sizes on request, hidden ones on request."""

from urllib.parse import quote

from tests.sim.desk import Desk, rehearse


def test_folder_sizes_come_by_expansion() -> None:
    async def act(desk: Desk) -> None:
        expand = quote("singleValueExtendedProperties($filter=id eq 'Long 0x0E08')")
        rows = await desk.pages(f"{desk.user()}/mailFolders?$expand={expand}")
        sizes = {row["id"]: row["singleValueExtendedProperties"] for row in rows}
        assert all(size[0]["id"] == "Long 0xe08" and size[0]["value"].isdigit() for size in sizes.values())
        assert any(int(size[0]["value"]) > 0 for size in sizes.values())

    rehearse(act)


def test_hidden_folders_are_shown_on_request() -> None:
    async def act(desk: Desk) -> None:
        shown = await desk.pages(f"{desk.user()}/mailFolders")
        everything = await desk.pages(f"{desk.user()}/mailFolders?includeHiddenFolders=true&$top=100")
        assert len(everything) == len(shown) + 1
        assert (await desk.ask("DELETE", f"{desk.user()}/mailFolders/inbox")).status == 400

    rehearse(act)


def test_no_two_folders_in_one_place_have_one_name() -> None:
    async def act(desk: Desk) -> None:
        folders = f"{desk.user()}/mailFolders"
        first, other = [
            (await desk.ask("POST", folders, {"displayName": name})).body["id"] for name in ("Ours", "Other")
        ]
        below = (await desk.ask("POST", f"{folders}/{first}/childFolders", {"displayName": "OTHER"})).body["id"]
        for reply in (
            await desk.ask("POST", folders, {"displayName": "oURS"}),
            await desk.ask("PATCH", f"{folders}/{other}", {"displayName": "ours"}),
            await desk.ask("POST", f"{folders}/{below}/move", {"destinationId": "msgfolderroot"}),
        ):
            assert (reply.status, reply.code) == (409, "ErrorFolderExists")
        assert (await desk.ask("PATCH", f"{folders}/{other}", {"displayName": "OTHER"})).status == 200
        for wrong in ("", "x" * 256):
            assert (await desk.ask("PATCH", f"{folders}/{other}", {"displayName": wrong})).status == 400
            assert (await desk.ask("POST", folders, {"displayName": wrong})).status == 400
        assert (await desk.ask("PATCH", f"{folders}/{other}", {"isHidden": True})).status == 400  # at creation alone

    rehearse(act)
