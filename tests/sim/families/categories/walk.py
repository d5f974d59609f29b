"""Categories: every route once, against the documented names, types and statuses."""

from tests.sim.walk import TEXT, Shape, Walk

CATEGORY: Shape = {"id": TEXT, "displayName": TEXT, "color": TEXT}
LISTS = {"/outlook/masterCategories": CATEGORY}  # what every untouched mailbox has, or may have
SAMPLES = {  # the documented body -> ours
    "mastercategories-list": "GET /outlook/masterCategories",
    "mastercategory-create-response": "POST /outlook/masterCategories",
    "mastercategory-update-response": "PATCH /outlook/masterCategories/{}",
}


async def walk_categories(walk: Walk) -> None:
    path = "/outlook/masterCategories"
    await walk.rows(path, CATEGORY)
    made = await walk.ask("POST", path, {"displayName": "Ours", "color": "preset9"}, status=201, shape=CATEGORY)
    await walk.ask("GET", f"{path}/{made['id']}", shape=CATEGORY)
    changed = await walk.ask("PATCH", f"{path}/{made['id']}", {"color": "preset15"}, shape=CATEGORY)
    assert (changed["displayName"], changed["color"]) == ("Ours", "preset15")
    await walk.ask("DELETE", f"{path}/{made['id']}", status=204)


WALKS = (walk_categories,)
