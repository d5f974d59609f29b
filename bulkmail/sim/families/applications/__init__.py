"""Applications of the directory, their service principals, and the roles that were granted to them."""

from bulkmail.sim.families.applications.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, uses=("users",))
