"""Reports who may see or change the calendars of a mailbox, a row for each permission."""

from collections.abc import AsyncIterator

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.tasks.calendar.grants import Calendar, Grant, calendars_of, grants_of
from bulkmail.tasks.calendar.options import PermissionsReportOptions

COLUMNS = {
    "mailbox": "address as the input gives it",
    "calendar_id": "the calendar's id; empty where only the default one was asked for",
    "calendar": "its name; empty where only the default one was asked for",
    "default": "whether it is the default calendar",
    "permission_id": "the permission's id, which is that of the grantee",
    "grantee": "address of who has it; My Organization: everyone in the tenant without one of their own",
    "name": "name of who has it",
    "kind": "person, delegate, organization, or public (everyone outside)",
    "role": "none, freeBusyRead, limitedRead, read, write, delegateWithoutPrivateEventAccess, "
    "delegateWithPrivateEventAccess or custom",
    "allowed_roles": "the roles that it can be given; separated by semicolons in CSV",
    "removable": "whether it can be removed",
    "inside": "whether its grantee is in the tenant",
}


@task(
    "calendar.permissions.report",
    summary="Who may see or change the calendars of each mailbox",
    permission="Calendars.Read",
    options=PermissionsReportOptions,
    columns=COLUMNS,
    key_columns=("calendar_id", "permission_id"),
)
async def permissions_report(mailbox: Mailbox, graph: Graph, options: PermissionsReportOptions) -> AsyncIterator[Row]:
    """A row for each permission, the default calendar's first."""
    del mailbox
    async for row in permission_rows(graph, options):
        yield row


async def permission_rows(graph: Graph, options: PermissionsReportOptions) -> AsyncIterator[Row]:
    """The rows of one mailbox, without its address: one request for the list of calendars, unless only the default
    one is asked for, and one for each calendar."""
    calendars = await calendars_of(graph, options.calendars)
    found = await graph.gather(*(grants_of(graph, calendar.key) for calendar in calendars))
    for calendar, grants in zip(calendars, found, strict=True):
        for grant in grants:
            yield row_of(calendar, grant)


def row_of(calendar: Calendar, grant: Grant) -> Row:
    return {
        "calendar_id": calendar.id,
        "calendar": calendar.name,
        "default": calendar.default,
        "permission_id": grant.id,
        "grantee": grant.grantee,
        "name": grant.name,
        "kind": grant.kind,
        "role": grant.role,
        "allowed_roles": list(grant.allowed),
        "removable": grant.removable,
        "inside": grant.inside,
    }
