"""The master list of categories."""

from bulkmail.sim.families.categories.kind import CATEGORY
from bulkmail.sim.families.categories.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, (CATEGORY,))
