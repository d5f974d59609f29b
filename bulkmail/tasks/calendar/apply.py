"""Gives each grantee of the job the role that the job says, in the calendars of every mailbox; all others stay.

What the service does not allow is told and left: a role that is not among the allowed ones of a permission, and the
removal of one that cannot be removed. A custom role is left as well, because it could not be given back. Permissions
are written one after another: those of a calendar lie in one place.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from bulkmail.graph import Graph
from bulkmail.model import Change, Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.tasks.calendar import grants
from bulkmail.tasks.calendar.grants import (
    CUSTOM,
    ORGANIZATION,
    Calendar,
    Grant,
    body_of,
    find,
    granted,
    key_of,
)
from bulkmail.tasks.calendar.options import EXTERNAL, REMOVE, PermissionsApplyOptions
from bulkmail.tasks.calendar.report import UNREADABLE
from bulkmail.tasks.calendar.undo import undo
from bulkmail.tasks.kit.turns import in_turn

COLUMNS = {
    "mailbox": "address as the input gives it",
    "calendar": "name of the calendar; empty where only the default one is written to",
    "grantee": "address, or My Organization",
    "action": "create, update or delete",
    "before": "the role that it was; empty for a new permission",
    "after": "the role that it is now, or would be; empty for one that is removed",
    "state": "planned or done; or why it was left as it was: not_allowed (the service does not allow this role here), "
    "not_removable, custom (its rights were put together by hand and could not be given back), or unreadable: the "
    "service does not tell the permissions of this calendar",
}


class Step(NamedTuple):
    """What becomes of one permission. `role` is empty where it is to go; `left` says why it is not touched."""

    grantee: str
    grant: Grant | None
    role: str
    left: str = ""


@task(
    "calendar.permissions.apply",
    summary="Gives the grantees of the job their roles in the calendars of every mailbox",
    permission="Calendars.ReadWrite",
    options=PermissionsApplyOptions,
    columns=COLUMNS,
    key_columns=("calendar", "grantee"),
    writes=True,
    undo=undo,
    wants_columns=True,
)
async def permissions_apply(mailbox: Mailbox, graph: Graph, options: PermissionsApplyOptions) -> AsyncIterator[Row]:
    """A row for each permission that is written, or should be and cannot."""
    roles = options.roles_of(mailbox)
    found = await granted(graph, options.calendars)
    calendars = {calendar.key: calendar for calendar, _ in found}
    todo: dict[str, tuple[Calendar, Step]] = {}
    for calendar, there in found:
        if there is None:
            yield {**dict.fromkeys(list(COLUMNS)[1:]), "calendar": calendar.name, "state": UNREADABLE}
        for step in steps(roles, there) if there is not None else ():
            if step.left:
                yield _row(calendars, _change(calendar, step), step.left)
            else:
                todo[key_of(calendar.key, step.grantee)] = calendar, step

    async def write(change: Change) -> None:
        await _write(graph, *todo[change.key])

    changes = [_change(*one) for one in todo.values()]
    async for row in in_turn(graph, changes, write, partial(_row, calendars)):
        yield row


def steps(roles: Mapping[str, str], there: list[Grant]) -> Iterator[Step]:
    """What is to be done in a calendar, in the order of the job; grantees outside by the rule for all of them last."""
    for grantee, role in roles.items():
        if grantee != EXTERNAL:
            yield from _step(grantee, find(there, grantee), role)
    named = {grantee.casefold() for grantee in roles}
    for grant in there if EXTERNAL in roles else ():
        if not grant.inside and grant.grantee.casefold() not in named:
            yield from _step(grant.grantee, grant, roles[EXTERNAL])


def _step(grantee: str, grant: Grant | None, role: str) -> Iterator[Step]:
    """Nothing where all is as the job says."""
    role = "" if role == REMOVE else role
    if grant is None:
        if role and grantee != ORGANIZATION:
            yield Step(grantee, None, role)
    elif grant.role != role:
        yield Step(grant.grantee, grant, role, _left(grant, role))


def _left(grant: Grant, role: str) -> str:
    if grant.role == CUSTOM:
        return "custom"
    if not role:
        return "" if grant.removable and grant.address else "not_removable"
    return "not_allowed" if grant.allowed and role not in grant.allowed else ""


async def _write(graph: Graph, calendar: Calendar, step: Step) -> None:
    key = key_of(calendar.key, step.grantee)
    if step.grant is None:
        await grants.give(graph, calendar.key, body_of(step.grantee, step.role), key)
    elif step.role:
        await grants.alter(graph, calendar.key, step.grant, step.role, key)
    else:
        await grants.take(graph, calendar.key, step.grant, key)


def _change(calendar: Calendar, step: Step) -> Change:
    before = None if step.grant is None else step.grant.values
    after = {**(before or body_of(step.grantee, step.role)), "role": step.role} if step.role else None
    return Change(key_of(calendar.key, step.grantee), before, after)


def _row(calendars: Mapping[str, Calendar], made: Change, state: str) -> Row:
    values: Any = made.after or made.before
    action = "create" if made.before is None else "update" if made.after is not None else "delete"
    return {
        "calendar": calendars.get(made.key.split(":")[1], Calendar()).name,
        "grantee": values["emailAddress"]["address"],
        "action": action,
        "before": made.before and made.before["role"],
        "after": made.after and made.after["role"],
        "state": state,
    }
