"""Calendars, their events, and who may see them."""

from bulkmail.sim.families.calendars.kind import ATTACHMENT, CALENDAR, EVENT, GROUP, OCCURRENCE, PERMISSION
from bulkmail.sim.families.calendars.routes import ROUTES, WAYS
from bulkmail.sim.graph.family import Family

FAMILY = Family(
    ROUTES,
    (ATTACHMENT, CALENDAR, EVENT, GROUP, OCCURRENCE, PERMISSION),
    uses=("messages", "settings"),
    ways=WAYS,
)
