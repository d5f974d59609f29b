"""The tenant's own domains."""

from bulkmail.sim.families.domains.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES)
