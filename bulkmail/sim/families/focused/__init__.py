"""The Focused Inbox: senders that a user wants in it or out of it."""

from bulkmail.sim.families.focused.kind import OVERRIDE
from bulkmail.sim.families.focused.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, (OVERRIDE,))
