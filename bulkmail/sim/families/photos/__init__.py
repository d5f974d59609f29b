"""Photos of users and of contacts."""

from bulkmail.sim.families.photos.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, uses=("contacts",))
