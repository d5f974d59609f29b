"""Reports who may see or change the calendars of a mailbox, a row for each permission."""

from collections.abc import AsyncIterator

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.tasks.calendar.grants import Grant, granted
from bulkmail.tasks.calendar.options import PermissionsReportOptions

UNREADABLE = "unreadable"
COLUMNS = {
    "mailbox": "address as the input gives it",
    "calendar_id": "the calendar's id; empty where only the default one was asked for",
    "calendar": "its name; empty where only the default one was asked for",
    "default": "whether it is the default calendar",
    "permission_id": "the permission's id, which is that of the grantee",
    "grantee": "address of who has it; My Organization: everyone in the tenant without one of their own",
    "name": "name of who has it",
    "kind": "person, delegate, organization, or public (everyone outside); unreadable: the service does not tell the "
    "permissions of this calendar",
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
    for calendar, grants in await granted(graph, options.calendars):
        named = {"calendar_id": calendar.id, "calendar": calendar.name, "default": calendar.default}
        if grants is None:
            yield {**named, **dict.fromkeys(list(COLUMNS)[4:]), "kind": UNREADABLE}
        for grant in grants or ():
            yield named | row_of(grant)


def row_of(grant: Grant) -> Row:
    """What the row of a permission says of it, beside the calendar."""
    return {
        "permission_id": grant.id,
        "grantee": grant.grantee,
        "name": grant.name,
        "kind": grant.kind,
        "role": grant.role,
        "allowed_roles": list(grant.allowed),
        "removable": grant.removable,
        "inside": grant.inside,
    }
