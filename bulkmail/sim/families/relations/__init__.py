"""How users stand to each other and to groups: memberships, managers and reports, and what they are licensed for."""

from bulkmail.sim.families.relations.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, uses=("users",))
