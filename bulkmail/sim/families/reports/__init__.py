"""Usage reports."""

from bulkmail.sim.families.reports.routes import ROUTES, SIGNED
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, uses=("messages",), signed=SIGNED)
