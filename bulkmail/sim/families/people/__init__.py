"""The people that are relevant to a user."""

from bulkmail.sim.families.people.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES)
