"""Who reports to whom, and who is in which group: functions of the number of a user."""

from collections.abc import Iterator

from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.groups import EVERYONE, INSIDE, NESTED, SHARE
from bulkmail.sim.tenant.people import EXCHANGE_PLAN, SKU
from bulkmail.sim.world import World

SPAN = 8
"""Users who report to one of them. The first user reports to no one."""


def groups_of(user: int, *, transitive: bool) -> list[int]:
    """The numbers of the groups that a user is in."""
    own = user % SHARE + 2
    return [EVERYONE, own, *((NESTED,) if transitive and own in INSIDE else ())]


def manager_of(user: int) -> int:
    """The number of a user's manager, or -1."""
    return (user - 1) // SPAN


def reports_of(world: World, user: int) -> Iterator[int]:
    for number in range(user * SPAN + 1, min((user + 1) * SPAN + 1, world.tenant.size)):
        if number not in world.tenant.removed:
            yield number


def licences(user: Json) -> list[Json]:
    plan = {
        "servicePlanId": EXCHANGE_PLAN, "servicePlanName": "EXCHANGE_S_ENTERPRISE",
        "provisioningStatus": "Success", "appliesTo": "User",
    }  # fmt: skip
    return [
        {"id": f"{user['id']}_{one['skuId']}", "skuId": SKU, "skuPartNumber": "SPE_E3", "servicePlans": [plan]}
        for one in user["assignedLicenses"]
    ]
