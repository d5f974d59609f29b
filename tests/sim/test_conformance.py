"""Every route, walked through once, against the documented names, types and statuses."""

from collections.abc import Awaitable, Callable

import pytest

from bulkmail.sim.families import families, routes
from tests.sim.desk import Desk, rehearse
from tests.sim.walk import Walk, matches, modules, tables, walk_all


def test_every_family_has_a_walk() -> None:
    assert {module.__name__.split(".")[-2] for module in modules()} == families().keys()


@pytest.mark.parametrize(
    "part", [part for module in modules() for part in module.WALKS], ids=lambda part: part.__name__
)
def test_a_part_speaks_as_documented_in_a_tenant_of_its_own(part: Callable[[Walk], Awaitable[None]]) -> None:
    async def act(desk: Desk) -> None:
        await part(Walk(desk))

    assert not rehearse(act)["lacking"]


def test_every_route_speaks_as_documented() -> None:
    async def act(desk: Desk) -> None:
        await walk_all(Walk(desk))

    books = rehearse(act)
    walked = {name for name, statuses in books["routes"].items() if min(map(int, statuses)) < 400}
    assert {route.name for route in routes()} <= walked
    assert not books["breaches"]
    assert not books["lacking"]


def test_every_untouched_mailbox_can_be_read() -> None:
    async def act(desk: Desk) -> None:
        for number in range(40):
            for path, shape in tables("LISTS").items():
                for row in await desk.pages(f"{desk.user(number)}{path}"):
                    matches(row, shape, path)
        assert not desk.sim.world.mailboxes.written

    rehearse(act)
