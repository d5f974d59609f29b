"""Groups and who is in them."""

from bulkmail.sim.families.groups.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, uses=("users",))
