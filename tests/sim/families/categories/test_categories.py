"""The master list: names are unique in any case and never change, colours are those that are documented."""

from typing import Any

from tests.sim.desk import Desk, rehearse

PATH = "/outlook/masterCategories"
WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "ErrorInvalidRequest"),
    ({"displayName": ""}, "ErrorInvalidRequest"),
    ({"displayName": 5}, "RequestBodyRead"),
    ({"displayName": "A", "color": "preset25"}, "RequestBodyRead"),
    ({"displayName": "A", "color": "red"}, "RequestBodyRead"),
    ({"displayName": "A", "colour": "none"}, "RequestBodyRead"),
]


def test_a_wrong_category_is_refused_and_nothing_is_changed() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}{PATH}"
        before = (await desk.get(path)).body["value"]
        for wish, code in WRONG:
            reply = await desk.ask("POST", path, wish)
            assert (reply.status, reply.code) == (400, code), wish
        reply = await desk.ask("POST", path, {"displayName": before[0]["displayName"].upper(), "color": "none"})
        assert (reply.status, reply.code) == (409, "ErrorCategoryNameAlreadyExists")
        for wish in ({"displayName": "New"}, {"color": "preset99"}):
            assert (await desk.ask("PATCH", f"{path}/{before[0]['id']}", wish)).code == "RequestBodyRead"
        assert (await desk.ask("PATCH", f"{path}/gone", {"color": "none"})).code == "ErrorItemNotFound"
        assert (await desk.get(path)).body["value"] == before

    rehearse(act)


def test_a_category_without_a_colour_has_none() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}{PATH}"
        made = (await desk.ask("POST", path, {"displayName": "Ours"})).body
        assert made["color"] == "none"
        for preset in range(25):
            changed = await desk.ask("PATCH", f"{path}/{made['id']}", {"color": f"preset{preset}"})
            assert changed.body["color"] == f"preset{preset}"
        assert (await desk.ask("DELETE", f"{path}/{made['id']}")).status == 204
        assert (await desk.get(f"{path}/{made['id']}")).status == 404

    rehearse(act)
