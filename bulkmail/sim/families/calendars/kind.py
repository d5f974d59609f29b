"""Calendars, events and permissions, as kinds of things in a mailbox, and who may read and change them."""

from bulkmail.sim.families.calendars.content import calendar_groups, calendars, events, permissions
from bulkmail.sim.graph.kind import Kind, none
from bulkmail.sim.graph.table import roles

READ = roles("Calendars.ReadBasic.All Calendars.ReadBasic Calendars.Read Calendars.ReadWrite")
FULL_READ = roles("Calendars.Read Calendars.ReadWrite")
WRITE = roles("Calendars.ReadWrite")
CALENDAR = Kind("calendars", "calendars", "#microsoft.graph.calendar", calendars, 5, steady=True)
EVENT = Kind("events", "events", "#microsoft.graph.event", events, 6)
OCCURRENCE = Kind("occurrences", "events", "#microsoft.graph.event", none, 9)  # computed from series, never kept
GROUP = Kind("calendar_groups", "calendarGroups", "#microsoft.graph.calendarGroup", calendar_groups, 10, steady=True)
ATTACHMENT = Kind("event_attachments", "attachments", "#microsoft.graph.fileAttachment", none, 11, versioned=False)
"""Those of all events: the parent is the number of the event."""
PERMISSION = Kind(
    "permissions", "calendar/calendarPermissions", "#microsoft.graph.calendarPermission", permissions, page=100,
    versioned=False,
)  # fmt: skip
