"""Calendars, their events, and who may see them."""

from bulkmail.sim.families.calendars.kind import CALENDAR, EVENT, GROUP, OCCURRENCE, PERMISSION
from bulkmail.sim.families.calendars.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, (CALENDAR, EVENT, GROUP, OCCURRENCE, PERMISSION), uses=("settings",))
