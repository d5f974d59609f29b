"""What a sender is told about recipients before sending."""

from bulkmail.sim.families.mailtips.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, uses=("settings",))
