"""The permissions of a mailbox's calendars: reads and writes them; decides nothing.

Only the owner of a calendar is told who may see it, so that calendars which others share with the mailbox are left out.
learn.microsoft.com/graph/api/resources/calendarpermission
"""

from collections.abc import Coroutine, Mapping
from typing import Any, Literal, NamedTuple, Self, TypeAlias

from bulkmail.core.odata import segment
from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change
from bulkmail.tasks.kit import expect, match

Which: TypeAlias = Literal["default", "all"]
ORGANIZATION = "My Organization"
"""What the service calls all in the tenant who have no permission of their own."""

CUSTOM = "custom"
"""The role of rights that were put together by hand. It can be read, and not be given back."""

ROLES = (
    "none", "freeBusyRead", "limitedRead", "read", "write", "delegateWithoutPrivateEventAccess",
    "delegateWithPrivateEventAccess",
)  # fmt: skip
"""What can be given, from the least to the most."""

SPELLED: Mapping[str, str] = {role.casefold(): role for role in (*ROLES, CUSTOM)}
LISTED: Mapping[str, str | int] = {"$select": "id,name,isDefaultCalendar,canShare", "$top": 100}
KEY = "permission:"
"""What the key of a change begins with, before the key of the calendar and the grantee."""


class Calendar(NamedTuple):
    """One calendar. The default one has no id where calendars were not listed."""

    id: str = ""
    name: str = ""
    default: bool = True

    @property
    def key(self) -> str:
        """Names it in changes, alike in every run."""
        return "default" if self.default else self.id


class Grant(NamedTuple):
    """What one grantee may do in one calendar, as it was read. `allowed` is empty where the service does not say."""

    id: str
    name: str
    address: str
    role: str
    allowed: tuple[str, ...]
    removable: bool
    inside: bool

    @classmethod
    def of(cls, body: Any) -> Self:
        item = expect.an_item(body, "a permission")
        who, allowed = item.get("emailAddress"), item.get("allowedRoles")
        grantee = who if isinstance(who, dict) else {}
        return cls(
            item["id"],
            expect.text(grantee, "name"),
            expect.text(grantee, "address"),
            _role(item.get("role")),
            tuple(map(_role, allowed)) if isinstance(allowed, list) else (),
            item.get("isRemovable") is not False,
            item.get("isInsideOrganization") is True,
        )

    @property
    def kind(self) -> str:
        if not self.address:
            return "organization" if self.inside else "public"
        return "delegate" if self.role.startswith("delegate") else "person"

    @property
    def grantee(self) -> str:
        """The address; the service's name for those without one, which is in the language of the mailbox."""
        if self.kind == "organization":
            return ORGANIZATION
        return self.address or self.name

    @property
    def values(self) -> dict[str, Any]:
        """What it takes to give it again."""
        return body_of(self.grantee, self.role, self.name)


def body_of(grantee: str, role: str, name: str = "") -> dict[str, Any]:
    """A permission as the service is asked for it."""
    return {"emailAddress": {"name": name or grantee, "address": grantee}, "role": role}


def key_of(calendar: str, grantee: str) -> str:
    """The key of a change."""
    return f"{KEY}{calendar}:{grantee.casefold()}"


def permissions_path(calendar: str) -> str:
    """Where the permissions of a calendar are, by its key."""
    return f"/{'calendar' if calendar == 'default' else f'calendars/{segment(calendar)}'}/calendarPermissions"


async def granted(graph: Graph, which: Which) -> list[tuple[Calendar, list[Grant] | None]]:
    """Each calendar with its permissions, or None as `readable` has it, the default one first. What may see that one is
    asked for together with the list of calendars, so that a mailbox which has no other waits for one answer only."""
    first = Calendar()
    if which == "default":
        return [(first, await grants_of(graph, first.key))]
    reads: list[Coroutine[Any, Any, Any]] = [calendars_of(graph), grants_of(graph, first.key)]
    calendars, grants = await graph.gather(*reads)
    others = await graph.gather(*(readable(graph, one) for one in calendars[1:]))
    return [*zip(calendars, (grants, *others), strict=True)]


async def calendars_of(graph: Graph) -> list[Calendar]:
    """The default calendar first, then the others of which the mailbox is the owner."""
    found = [expect.an_item(one, "a calendar") async for one in graph.items("/calendars", params=LISTED)]
    default = next((one for one in found if one.get("isDefaultCalendar") is True), found[0] if found else {"id": ""})
    others = [one for one in found if one is not default and one.get("canShare") is not False]
    return [
        Calendar(default["id"], expect.text(default, "name")),
        *(Calendar(one["id"], expect.text(one, "name"), default=False) for one in others),
    ]


async def grants_of(graph: Graph, calendar: str) -> list[Grant]:
    """All permissions of a calendar, by its key, as the service lists them."""
    return [Grant.of(one) async for one in graph.items(permissions_path(calendar))]


async def readable(graph: Graph, calendar: Calendar) -> list[Grant] | None:
    """Those of a calendar beside the default one; None where the service does not tell them, as for one of holidays or
    birthdays: the others are read all the same."""
    try:
        return await grants_of(graph, calendar.key)
    except GraphError as error:
        if error.status not in (400, 403, 404):
            raise
        return None


def find(grants: list[Grant], grantee: str) -> Grant | None:
    """The permission of a grantee, or None."""
    return next((one for one in grants if one.grantee.casefold() == grantee.casefold()), None)


async def give(graph: Graph, calendar: str, values: Mapping[str, Any], key: str) -> None:
    """Makes a permission. When the answer is lost, it is looked for by its grantee, who has one at most."""
    grantee = values["emailAddress"]["address"]

    async def look() -> Any:
        return find(await grants_of(graph, calendar), grantee)

    path = permissions_path(calendar)
    await graph.create(path, dict(values), change=Change(key, None, values), find=look)


async def alter(graph: Graph, calendar: str, grant: Grant, role: str, key: str) -> None:
    """Sets the role of a permission that is there."""
    change = Change(key, grant.values, {**grant.values, "role": role})
    await graph.patch(permissions_path(calendar) + "/{}", {"role": role}, grant.id, change=change)


async def take(graph: Graph, calendar: str, grant: Grant, key: str) -> None:
    """Removes a permission, which may be gone already."""
    await match.remove(graph, f"{permissions_path(calendar)}/{segment(grant.id)}", Change(key, grant.values, None))


def _role(value: Any) -> str:
    """In the schema's spelling; one that is new to us as it came."""
    return SPELLED.get(value.casefold(), value) if isinstance(value, str) else ""
