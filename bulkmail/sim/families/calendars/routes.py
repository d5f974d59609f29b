"""Everything that can be asked of calendars."""

from bulkmail.sim.families.calendars import calendars, events, groups, permissions, schedule

ROUTES = calendars.ROUTES + groups.ROUTES + events.ROUTES + permissions.ROUTES + schedule.ROUTES
