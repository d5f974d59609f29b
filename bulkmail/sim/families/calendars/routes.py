"""Everything that can be asked of calendars."""

from bulkmail.sim.families.calendars import calendars, events, permissions

ROUTES = calendars.ROUTES + events.ROUTES + permissions.ROUTES
