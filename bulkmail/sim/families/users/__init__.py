"""Users of the directory."""

from bulkmail.sim.families.users.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, uses=("settings",))
