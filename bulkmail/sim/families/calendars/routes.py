"""Everything that can be asked of calendars."""

from bulkmail.sim.families.calendars import attachments, calendars, events, groups, permissions, responses, schedule

PARTS = (calendars, groups, events, attachments, responses, permissions, schedule)
ROUTES = tuple(route for part in PARTS for route in part.ROUTES)
WAYS = {"/users/{}/calendarGroups/{}/calendars/{}": "/users/{}/calendars/{}"}
