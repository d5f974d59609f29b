"""Open extensions: properties of an application's own on users, messages, events and contacts."""

from bulkmail.sim.families.extensions.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, uses=("calendars", "contacts", "messages", "users"))
