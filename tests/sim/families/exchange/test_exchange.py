"""Items go out and come back as they were."""

import json

from tests.sim.desk import Desk, rehearse


def test_exported_items_come_back_as_they_were() -> None:
    async def act(desk: Desk) -> None:
        base = f"/admin/exchange/mailboxes/MBX:{desk.sim.tenant.guid(0)}@{desk.sim.tenant_id}"
        letters = await desk.pages(f"{desk.user()}/mailFolders/inbox/messages")
        reply = await desk.ask("POST", f"{base}/exportItems", {"itemIds": [letters[0]["id"]]})
        session = (await desk.ask("POST", f"{base}/createImportSession")).body
        wish = {"FolderId": letters[0]["parentFolderId"], "Mode": "create", "Data": reply.body["value"][0]["data"]}
        async with desk.session.post(session["importUrl"], json=wish) as response:
            made = await response.json()
        copy = (await desk.get(f"{desk.user()}/messages/{made['itemId']}")).body
        own = {"id", "changeKey", "@odata.etag", "@odata.context"}
        assert {k: v for k, v in copy.items() if k not in own} == {k: v for k, v in letters[0].items() if k not in own}

    rehearse(act)


def test_an_import_replaces_an_item_or_says_why_not() -> None:
    async def act(desk: Desk) -> None:
        base = f"/admin/exchange/mailboxes/MBX:{desk.sim.tenant.guid(0)}@{desk.sim.tenant_id}"
        letters = await desk.pages(f"{desk.user()}/mailFolders/inbox/messages")
        data = (await desk.ask("POST", f"{base}/exportItems", {"itemIds": [letters[0]["id"]]})).body["value"][0]["data"]
        url = (await desk.ask("POST", f"{base}/createImportSession")).body["importUrl"]
        good = {"FolderId": letters[1]["parentFolderId"], "Mode": "update", "ItemId": letters[1]["id"], "Data": data}
        wrong = [good | {"ItemId": "gone"}, good | {"FolderId": "gone"}, good | {"Data": "?"}, {}]
        for wish, status in ((good, 200), *zip(wrong, (404, 404, 400, 400), strict=True)):
            async with desk.session.post(url, data=json.dumps(wish)) as response:
                assert response.status == status
        assert (await desk.get(f"{desk.user()}/messages/{letters[1]['id']}")).body["subject"] == letters[0]["subject"]

    rehearse(act)


def test_a_session_that_has_ended_takes_nothing() -> None:
    async def act(desk: Desk) -> None:
        base = f"/admin/exchange/mailboxes/MBX:{desk.sim.tenant.guid(0)}@{desk.sim.tenant_id}"
        url = (await desk.ask("POST", f"{base}/createImportSession")).body["importUrl"]
        async with desk.session.post(url, data=b"{}") as response:
            assert response.status == 401

    rehearse(act, session_life=0.0)
