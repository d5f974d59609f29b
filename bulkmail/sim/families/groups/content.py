"""The members of a group as the directory shows them: groups first, then users, each marked with its type."""

from collections.abc import Iterable, Iterator

from bulkmail.sim.graph.call import Json
from bulkmail.sim.world import World


def rows_of(world: World, groups: Iterable[int], users: Iterable[int], *, marked: bool) -> Iterator[Json]:
    """Those who are still there. `marked` rows say which type they are, as in a listing of both."""
    for group in groups:
        yield {"@odata.type": "#microsoft.graph.group"} | world.groups.group(group)
    mark: Json = {"@odata.type": "#microsoft.graph.user"} if marked else {}
    for user in users:
        if user not in world.tenant.removed:
            yield mark | world.tenant.user(user)
