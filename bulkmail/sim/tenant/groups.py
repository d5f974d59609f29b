"""The groups of the tenant, computed: everyone, sixteen that share the users out, and one that holds three of these."""

from collections.abc import Iterator

from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.people import Tenant
from bulkmail.sim.tenant.seeded import guid, mix

COUNT = 18
EVERYONE = 0  # all users
NESTED = 1  # has no user of its own, only the groups of INSIDE
INSIDE = (2, 3, 4)  # like the rest: every sixteenth user
SHARE = COUNT - 2


class Groups:
    """Who is in which group. The groups from 2 on share the users out by their number."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.ids = [guid(mix(tenant.seed, g, 80), mix(tenant.seed, g, 81)) for g in range(COUNT)]
        self._numbers = {text: number for number, text in enumerate(self.ids)}

    def find(self, text: str) -> int:
        return self._numbers.get(text.lower(), -1)

    def group(self, number: int) -> Json:
        name = {EVERYONE: "Everyone", NESTED: "Harbour and quays"}.get(number, f"Quay {number}")
        return {
            "id": self.ids[number],
            "displayName": name,
            "mail": f"group{number}@tenant.example",
            "mailEnabled": True,
            "mailNickname": f"group{number}",
            "securityEnabled": True,
            "groupTypes": [],
            "description": None,
            "visibility": None,
            "createdDateTime": "2020-02-02T02:02:02Z",
        }

    def users(self, number: int, *, transitive: bool) -> Iterator[int]:
        """The numbers of the users in a group, in order."""
        size = self.tenant.size
        if number == EVERYONE:
            yield from range(size)
        elif number != NESTED:
            yield from range(number - 2, size, SHARE)
        elif transitive:
            for inner in INSIDE:
                yield from self.users(inner, transitive=True)

    def inner(self, number: int) -> tuple[int, ...]:
        return INSIDE if number == NESTED else ()

    def holds(self, group: str, user: int) -> bool:
        """Whether a user is in a group, by way of another one or not."""
        number = self.find(group)
        return number == EVERYONE or user % SHARE + 2 in (INSIDE if number == NESTED else (number,))
